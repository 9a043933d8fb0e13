import type { Account, AccountOperator, Heartbeats } from '../../../schemas/records.ts'
import type { Setting } from '../../../schemas/settings.ts'
import type { Row } from '../differences.ts'
import type { NodeTotals } from '../node-totals.ts'
import { takenOf } from './carried.ts'
import { KEPT_MS, uptimeBytes } from './contact.ts'
import type { ModelAccount, ModelHeartbeat, ModelOperator } from './state.ts'

/** The parts of an account that follow from the inbox up to log time `nowMs`, as they must be. */
export function modelRow(account: ModelAccount, totals: NodeTotals, nowMs: number): Row {
  const { pending, unclaimed, settled } = account
  return {
    tier: account.tier,
    first_seen_at: account.firstSeenAtMs,
    changed_at: account.changedAtMs,
    watermark: account.watermarkMs,
    rules_version: account.rulesVersion,
    ...operatorColumns(account.operators.map(modelOperator)),
    ...totals,
    cost_seq: account.costSeq,
    settled_through: account.settledThrough,
    pending_count: pending.count,
    pending_nano_usd: pending.nanoUsd,
    pending_micro_spark: pending.microSpark,
    pending_since: account.pendingSinceMs,
    unclaimed_count: unclaimed.count,
    unclaimed_nano_usd: unclaimed.nanoUsd,
    unclaimed_micro_spark: unclaimed.microSpark,
    settlements: settled.count,
    settled_nano_usd: settled.nanoUsd,
    settled_micro_spark: settled.microSpark,
    unclaimed_remainder: account.unclaimedRemainder,
    settings_version: account.settingsVersion,
    settings: settingTexts([...account.settings].map(([name, value]) => ({ name, value }))),
    spend_days: byDay([...account.spent]),
    back_dated_day: account.lateReceipts.day,
    back_dated_nano_usd: account.lateReceipts.nanoUsd,
    reservations: account.reservations.map(({ id, nanoUsd, day, expiresAtMs, commandId }) =>
      [id, nanoUsd, day, expiresAtMs, commandId].join(' '),
    ),
    ...contactRow(account, nowMs),
  }
}

function contactRow({ contact, rewards }: ModelAccount, nowMs: number): Row {
  return {
    last_contact_at: contact.lastAtMs,
    profile: contact.profile,
    software_version: contact.softwareVersion,
    heartbeat_hashes: contact.heartbeats
      .filter(({ atMs }) => atMs === null)
      .map(({ hash }) => hash)
      .join(''),
    heartbeats: takenText(contact.heartbeats, nowMs),
    uptime_hour: contact.lastHour,
    uptime: uptimeBytes(contact).toString('hex'),
    agent_count: contact.agents,
    post_count: contact.posts,
    ad_days: byDay([...contact.impressionsByDay]),
    ad_impressions: rewards.impressionsPaid,
    ad_unpaid: rewards.impressionsUnpaid,
    ad_remainder_micro_spark: rewards.adRemainder,
    bonus_day: rewards.bonusDay,
    milestone: rewards.milestone,
    rewards: rewards.count,
    reward_micro_spark: rewards.microSpark,
    last_reward_at: rewards.lastAtMs,
    received_day: rewards.day,
    day_reward_micro_spark: rewards.dayMicroSpark,
    day_minimum_micro_spark: rewards.dayMinimum,
    capped_impressions: rewards.capped.impressions,
    capped_reward_micro_spark: rewards.capped.rewards,
    capped_minimum_micro_spark: rewards.capped.minimum,
  }
}

/** The heartbeats of the last hour: older ones may be forgotten or not. */
function takenText(heartbeats: readonly ModelHeartbeat[], nowMs: number): string {
  return heartbeats
    .filter(({ atMs }) => atMs !== null && nowMs - atMs < KEPT_MS)
    .map(({ hash, atMs }) => `${hash}@${atMs}`)
    .join(' ')
}

/** The same from the records of node.state. */
export function accountRow(account: Account, heartbeats: Heartbeats | undefined, nowMs: number): Row {
  const { operators, settings, spend_days, reservations, ad_days, heartbeat_hashes, uptime, ...rest } =
    account
  return {
    ...rest,
    ...operatorColumns(operators),
    settings: settingTexts(settings),
    spend_days: byDay(spend_days.map(({ day, nano_usd }) => [day, nano_usd])),
    reservations: reservations.map((reservation) =>
      [
        reservation.reservation_id,
        reservation.nano_usd,
        reservation.day,
        reservation.expires_at,
        reservation.command_id,
      ].join(' '),
    ),
    heartbeat_hashes: heartbeat_hashes.toString('hex'),
    heartbeats: takenText(takenOf(heartbeats), nowMs),
    uptime: uptime.toString('hex'),
    ad_days: byDay(ad_days.map(({ day, impressions }) => [day, impressions])),
  }
}

function modelOperator(operator: ModelOperator): AccountOperator {
  return {
    operator_id: operator.operatorId,
    since: operator.sinceMs,
    micro_spark: operator.microSpark,
    entries: operator.entries,
    last_entry_at: operator.lastEntryAtMs,
    remainder: Number(operator.remainder),
    confirmed: operator.isConfirmed,
  }
}

/** Each field of all operators, in their order: so an altered one is named. */
function operatorColumns(operators: readonly AccountOperator[]): Row {
  return {
    operators: operators.map(({ operator_id }) => operator_id),
    operator_since: operators.map(({ since }) => since),
    micro_spark: operators.map(({ micro_spark }) => String(micro_spark)),
    entries: operators.map(({ entries }) => entries),
    last_entry_at: operators.map(({ last_entry_at }) => last_entry_at ?? 'never'),
    remainder: operators.map(({ remainder }) => remainder),
    confirmed: operators.map(({ confirmed }) => String(confirmed)),
  }
}

/** Ordered by name: the order in which they were set has no meaning. */
function settingTexts(settings: readonly Setting[]): string[] {
  return settings
    .map(({ name, value }) => `${name}=${JSON.stringify(value)}`)
    .toSorted((left, right) => (left < right ? -1 : 1))
}

function byDay(days: readonly (readonly [day: number, amount: number | bigint])[]): string[] {
  return days.toSorted(([left], [right]) => left - right).map(([day, amount]) => `${day}: ${amount}`)
}
