import type { Account, Heartbeats, Outcome } from '../../../schemas/records.ts'
import { NODE_SUM_COLUMNS } from '../node-totals.ts'
import type { NodeTotals } from '../node-totals.ts'
import type { ModelOutcome } from './outcomes.ts'
import { canonicalJson } from './rows.ts'
import type { ModelAccount, ModelHeartbeat } from './state.ts'

/** Bytes of one heartbeat's hash. */
const HASH_BYTES = 8

/** What one partition of a version began with: what its nodes had when the version before ended. */
export interface Carried {
  /** The newest configure record, framed. */
  readonly rules: Buffer | null
  readonly nowMs: number
  readonly watermarkMs: number
  readonly accounts: ReadonlyMap<string, Account>
  /** By "node/command". */
  readonly outcomes: ReadonlyMap<string, Outcome>
  /** By node. */
  readonly heartbeats: ReadonlyMap<string, Heartbeats>
}

/** An account as node.state had it at the end of a version; the comparison of that version has checked it. */
export function carriedAccount(account: Account, heartbeats?: Heartbeats): ModelAccount {
  return {
    nodeId: account.node_id,
    firstSeenAtMs: account.first_seen_at,
    changedAtMs: account.changed_at,
    watermarkMs: account.watermark,
    rulesVersion: account.rules_version,
    tier: account.tier,
    operators: account.operators.map((operator) => ({
      operatorId: operator.operator_id,
      sinceMs: operator.since,
      microSpark: operator.micro_spark,
      entries: operator.entries,
      lastEntryAtMs: operator.last_entry_at,
      remainder: BigInt(operator.remainder),
      isConfirmed: operator.confirmed,
    })),
    costSeq: account.cost_seq,
    settledThrough: account.settled_through,
    pending: {
      count: BigInt(account.pending_count),
      nanoUsd: account.pending_nano_usd,
      microSpark: account.pending_micro_spark,
    },
    pendingSinceMs: account.pending_since,
    unclaimed: {
      count: BigInt(account.unclaimed_count),
      nanoUsd: account.unclaimed_nano_usd,
      microSpark: account.unclaimed_micro_spark,
    },
    unclaimedRemainder: BigInt(account.unclaimed_remainder),
    settled: {
      count: BigInt(account.settlements),
      nanoUsd: account.settled_nano_usd,
      microSpark: account.settled_micro_spark,
    },
    settingsVersion: account.settings_version,
    settings: new Map(account.settings.map(({ name, value }) => [name, value])),
    spent: new Map(account.spend_days.map(({ day, nano_usd }) => [day, nano_usd])),
    lateReceipts: { day: account.back_dated_day, nanoUsd: account.back_dated_nano_usd },
    reservations: account.reservations.map((reservation) => ({
      id: reservation.reservation_id,
      nanoUsd: BigInt(reservation.nano_usd),
      day: reservation.day,
      expiresAtMs: reservation.expires_at,
      commandId: reservation.command_id,
    })),
    contact: carriedContact(account, heartbeats),
    rewards: {
      count: account.rewards,
      microSpark: account.reward_micro_spark,
      lastAtMs: account.last_reward_at,
      bonusDay: account.bonus_day,
      milestone: account.milestone,
      impressionsPaid: account.ad_impressions,
      impressionsUnpaid: account.ad_unpaid,
      adRemainder: BigInt(account.ad_remainder_micro_spark),
      day: account.received_day,
      dayMicroSpark: BigInt(account.day_reward_micro_spark),
      dayMinimum: BigInt(account.day_minimum_micro_spark),
      capped: {
        impressions: account.capped_impressions,
        rewards: account.capped_reward_micro_spark,
        minimum: account.capped_minimum_micro_spark,
      },
    },
  }
}

function carriedContact(account: Account, heartbeats: Heartbeats | undefined): ModelAccount['contact'] {
  const { uptime, uptime_hour } = account
  const hasContact = account.last_contact_at !== null
  const firstHour = hasContact ? uptime_hour - uptime.length + 1 : 0
  const minutes = [...uptime].map((up, index) => [firstHour + index, up] as const)
  return {
    lastAtMs: account.last_contact_at,
    profile: account.profile,
    softwareVersion: account.software_version,
    heartbeats: [...hashesOf(account), ...takenOf(heartbeats)],
    firstHour,
    lastHour: uptime_hour,
    minutesUp: new Map(minutes.filter(([, up]) => up > 0)),
    agents: account.agent_count,
    posts: account.post_count,
    impressionsByDay: new Map(account.ad_days.map(({ day, impressions }) => [day, impressions])),
  }
}

function hashesOf({ heartbeat_hashes: hashes }: Account): ModelHeartbeat[] {
  return Array.from({ length: hashes.length / HASH_BYTES }, (_, at) => ({
    hash: hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES).toString('hex'),
    atMs: null,
  }))
}

/** Heartbeats of a record of their own: eight bytes of log time, eight of hash. */
export function takenOf(heartbeats: Heartbeats | undefined): ModelHeartbeat[] {
  const taken = heartbeats?.taken ?? Buffer.alloc(0)
  return Array.from({ length: taken.length / (2 * HASH_BYTES) }, (_, index) => {
    const at = index * 2 * HASH_BYTES
    return {
      hash: taken.subarray(at + HASH_BYTES, at + 2 * HASH_BYTES).toString('hex'),
      atMs: Number(taken.readBigInt64BE(at)),
    }
  })
}

/** Lifetime counters of an account. */
export function carriedTotals(account: Account): NodeTotals {
  return Object.fromEntries(
    NODE_SUM_COLUMNS.map((column) => [column, BigInt(account[column])]),
  ) as unknown as NodeTotals
}

/** The result of a command, as node.state had it. */
export function carriedOutcome(key: string, outcome: Outcome): ModelOutcome {
  return {
    nodeId: key.slice(0, key.lastIndexOf('/')),
    status: outcome.status,
    code: outcome.code ?? '',
    result: canonicalJson(outcome.result),
    untilMs: outcome.until,
    isCounted: outcome.is_counted,
    caller: outcome.caller,
    byAdmin: outcome.by_admin,
  }
}
