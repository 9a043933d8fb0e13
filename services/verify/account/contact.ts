import { hashToUuid } from '../../../schemas/ids.ts'
import type { InboxHeartbeat } from '../../../schemas/records.ts'
import { giveReward, nameFirstOperator } from './payments.ts'
import { utcDay } from './state.ts'
import type { ModelAccount, ModelContact, ModelHeartbeat, Moment } from './state.ts'

const MINUTE_MS = 60_000
const MINUTES_PER_HOUR = 60

/** Seven days. */
const HOURS_KEPT = 168
const AD_DAYS_KEPT = 7

/** Heartbeats that are remembered: by number until the newer rules, then by time and number. */
const KEPT_BEFORE = 16
export const KEPT_MS = 3_600_000
const KEPT_MAX = 1_000

const AGENT_MILESTONES = [10, 50, 100, 500]

/** The host gets 90 % of the tenth of a Spark that an impression brings. */
const MICRO_SPARK_PER_IMPRESSION = 90_000n
const MICRO_SPARK = 1_000_000n
const IMPRESSIONS_PER_BONUS = 100

/** A heartbeat: contact, what the node says of itself, and the rewards that it earns. Repeats change nothing. */
export function takeHeartbeat(account: ModelAccount, heartbeat: InboxHeartbeat, moment: Moment): void {
  const { contact } = account
  const { nowMs } = moment
  const known = remembered(contact, moment)
  const hash = heartbeat.heartbeat_hash.toString('hex')
  if (known.some((other) => other.hash === hash)) return
  const isOneTooMany = moment.isCapped && known.length >= KEPT_MAX
  if (!isOneTooMany) contact.heartbeats = [...known, { hash, atMs: moment.isCapped ? nowMs : null }]
  if (!moment.isCapped) contact.heartbeats = contact.heartbeats.slice(-KEPT_BEFORE)
  countMinutes(contact, moment.rules.staleMs[contact.profile], nowMs)
  contact.lastAtMs = nowMs
  account.changedAtMs = nowMs
  if (isOneTooMany) return
  const { tier } = heartbeat
  const isTrusted = heartbeat.by_admin || ![tier, account.tier].includes('central')
  if (tier !== null && isTrusted) takeTier(account, heartbeat, tier, moment)
  contact.profile = heartbeat.profile ?? contact.profile
  contact.softwareVersion = heartbeat.software_version ?? contact.softwareVersion
  contact.agents = heartbeat.agent_count ?? contact.agents
  contact.posts = heartbeat.post_count ?? contact.posts
  countImpressions(account, heartbeat.ad_impressions, moment)
  if (heartbeat.operator_id !== null) nameFirstOperator(account, heartbeat.operator_id, moment, 'heartbeat')
  if (account.operators.length > 0) reward(account, moment)
}

function takeTier(
  account: ModelAccount,
  { heartbeat_hash, by_admin }: InboxHeartbeat,
  tier: ModelAccount['tier'],
  { nowMs, rows, isNoted }: Moment,
): void {
  if (isNoted && tier !== account.tier) {
    const cause = `${account.nodeId}/${heartbeat_hash.toString('hex')}/${nowMs}`
    rows.note('tier_changed', hashToUuid(`audit/tier_changed/${cause}`), {
      node_id: account.nodeId,
      value_before: account.tier,
      value_after: tier,
      reason: by_admin ? 'heartbeat of an admin' : 'heartbeat',
      noted_at: nowMs,
    })
  }
  account.tier = tier
}

/** The heartbeats by which a repeat is recognised; those from before the newer rules count as taken now. */
function remembered({ heartbeats }: ModelContact, { isCapped, nowMs }: Moment): readonly ModelHeartbeat[] {
  if (!isCapped) return heartbeats
  return heartbeats
    .map(({ hash, atMs }) => ({ hash, atMs: atMs ?? nowMs }))
    .filter(({ atMs }) => nowMs - atMs < KEPT_MS)
}

/**
 * The node was up from its previous contact until now, or until it was stale: every minute that began in that time counts.
 */
function countMinutes(contact: ModelContact, staleMs: number, nowMs: number): void {
  const hourOf = (minute: number): number => Math.floor(minute / MINUTES_PER_HOUR)
  const hour = hourOf(nowMs / MINUTE_MS)
  contact.lastHour = hour
  if (contact.lastAtMs === null) {
    contact.firstHour = hour
    return
  }
  const untilMs = Math.min(nowMs, contact.lastAtMs + staleMs)
  const oldestHour = hour - HOURS_KEPT + 1
  let minute = Math.max(Math.ceil(contact.lastAtMs / MINUTE_MS), oldestHour * MINUTES_PER_HOUR)
  for (; minute * MINUTE_MS < untilMs; minute += 1) {
    const at = hourOf(minute)
    contact.minutesUp.set(at, (contact.minutesUp.get(at) ?? 0) + 1)
  }
  for (const known of contact.minutesUp.keys()) if (known < oldestHour) contact.minutesUp.delete(known)
}

/** One byte for each hour, oldest first: as many hours as since the first contact, at most seven days. */
export function uptimeBytes({ lastAtMs, firstHour, lastHour, minutesUp }: ModelContact): Buffer {
  if (lastAtMs === null) return Buffer.alloc(0)
  const from = Math.max(firstHour, lastHour - HOURS_KEPT + 1)
  return Buffer.from(
    Array.from({ length: lastHour - from + 1 }, (_, index) => minutesUp.get(from + index) ?? 0),
  )
}

function countImpressions({ contact, rewards }: ModelAccount, count: number, moment: Moment): void {
  const { impressionsByDay } = contact
  const today = utcDay(moment.nowMs)
  for (const day of impressionsByDay.keys()) if (today - day >= AD_DAYS_KEPT) impressionsByDay.delete(day)
  if (count === 0) return
  const before = impressionsByDay.get(today) ?? 0
  impressionsByDay.set(today, before + count)
  const room = Math.max(0, moment.rules.caps.impressions - before)
  const paid = moment.isCapped ? Math.min(count, room) : count
  rewards.impressionsUnpaid += paid
  rewards.capped.impressions += count - paid
}

function reward(account: ModelAccount, moment: Moment): void {
  const { rewards, contact } = account
  const today = utcDay(moment.nowMs)
  if (today > rewards.bonusDay) {
    rewards.bonusDay = today
    giveReward(
      account,
      { kind: 'uptime_bonus', key: today, spark: 10n, detail: 'Active on this day' },
      moment,
    )
  }
  for (const agents of AGENT_MILESTONES) {
    const hosted = moment.isCapped ? Math.min(contact.agents, moment.rules.caps.agents) : contact.agents
    if (agents <= rewards.milestone || agents > hosted) continue
    rewards.milestone = agents
    const detail = `Hosts ${agents} agents`
    giveReward(account, { kind: 'milestone', key: agents, spark: 50n, detail }, moment)
  }
  if (rewards.impressionsUnpaid > 0) rewardImpressions(account, moment)
}

/** Whole Spark for the share, and the rest is carried; one Spark more each time the lifetime sum passes a hundred. */
function rewardImpressions(account: ModelAccount, moment: Moment): void {
  const { rewards } = account
  const fresh = rewards.impressionsUnpaid
  const key = rewards.impressionsPaid + fresh
  const share = rewards.adRemainder + BigInt(fresh) * MICRO_SPARK_PER_IMPRESSION
  const hundreds = Math.floor(key / IMPRESSIONS_PER_BONUS)
  const bonus = BigInt(hundreds - Math.floor(rewards.impressionsPaid / IMPRESSIONS_PER_BONUS))
  rewards.impressionsPaid = key
  rewards.impressionsUnpaid = 0
  rewards.adRemainder = share % MICRO_SPARK
  const spark = share / MICRO_SPARK
  if (spark > 0n) {
    giveReward(account, { kind: 'ad_revenue', key, spark, detail: `${fresh} ad impressions` }, moment)
  }
  if (bonus > 0n) {
    const detail = `${hundreds * IMPRESSIONS_PER_BONUS} ad impressions`
    giveReward(account, { kind: 'ad_bonus', key, spark: bonus, detail }, moment)
  }
}
