import type { NodeProfile, NodeTier } from '../../../schemas/records.ts'
import type { SettingName, SettingValue } from '../../../schemas/settings.ts'
import type { ModelRules } from './rules.ts'
import type { ModelRows } from './rows.ts'

/** Costs that are counted together; for what is settled, `count` counts the settlements. */
export interface CostTotal {
  count: bigint
  nanoUsd: bigint
  microSpark: bigint
}

export interface ModelOperator {
  readonly operatorId: string
  sinceMs: number
  microSpark: bigint
  entries: number
  lastEntryAtMs: number | null
  /** Thousandths of a micro-Spark that exact costs have left. */
  remainder: bigint
  /** Named by a caller that has the right to give the node an operator. */
  isConfirmed: boolean
}

export interface ModelReservation {
  readonly id: string
  readonly nanoUsd: bigint
  readonly day: number
  readonly expiresAtMs: number
  readonly commandId: string
}

export interface ModelHeartbeat {
  /** Hex. */
  readonly hash: string
  /** Null for a heartbeat from when they were remembered by number. */
  readonly atMs: number | null
}

/** What heartbeats have reported. */
export interface ModelContact {
  lastAtMs: number | null
  profile: NodeProfile
  softwareVersion: string | null
  /** The heartbeats that were taken, oldest first. */
  heartbeats: ModelHeartbeat[]
  /** Hour of the first contact, and minutes that the node was up by hour. */
  firstHour: number
  lastHour: number
  readonly minutesUp: Map<number, number>
  agents: number
  posts: number
  readonly impressionsByDay: Map<number, number>
}

export interface ModelRewards {
  count: number
  microSpark: bigint
  lastAtMs: number | null
  bonusDay: number
  milestone: number
  impressionsPaid: number
  impressionsUnpaid: number
  adRemainder: bigint
  /** UTC day of log time of the two sums behind it. */
  day: number
  dayMicroSpark: bigint
  dayMinimum: bigint
  readonly capped: { impressions: number; rewards: bigint; minimum: bigint }
}

/** What the inbox leads to about one node, except counters. */
export interface ModelAccount {
  readonly nodeId: string
  readonly firstSeenAtMs: number
  changedAtMs: number
  watermarkMs: number
  rulesVersion: number
  tier: NodeTier
  /** The last one is paid. */
  operators: ModelOperator[]
  costSeq: number
  settledThrough: number
  pending: CostTotal
  pendingSinceMs: number | null
  unclaimed: CostTotal
  unclaimedRemainder: bigint
  readonly settled: CostTotal
  settingsVersion: number
  readonly settings: Map<SettingName, SettingValue>
  /** Payable nano-USD by UTC day. */
  readonly spent: Map<number, bigint>
  /** Payable nano-USD of costs that came a day late or more, for the newest day of receipt. */
  readonly lateReceipts: { day: number; nanoUsd: bigint }
  reservations: ModelReservation[]
  readonly contact: ModelContact
  readonly rewards: ModelRewards
}

/** The values that hold while one record is applied. */
export interface Moment {
  /** Log time, which never falls. */
  readonly nowMs: number
  readonly rules: ModelRules
  readonly rows: ModelRows
  /** False for records from before caps, and before heartbeats were remembered by time. */
  readonly isCapped: boolean
  /** False for records from before operators were confirmed. */
  readonly confirms: boolean
  /** False for records from before the audit recorded more than commands. */
  readonly isNoted: boolean
}

const DAY_MS = 86_400_000

export const utcDay = (atMs: number): number => Math.floor(atMs / DAY_MS)

export const noCosts = (): CostTotal => ({ count: 0n, nanoUsd: 0n, microSpark: 0n })

/** A node of which nothing is known except that it exists. */
export function newAccount(nodeId: string, nowMs: number): ModelAccount {
  return {
    nodeId,
    firstSeenAtMs: nowMs,
    changedAtMs: nowMs,
    watermarkMs: 0,
    rulesVersion: 0,
    tier: 'flat',
    operators: [],
    costSeq: 0,
    settledThrough: 0,
    pending: noCosts(),
    pendingSinceMs: null,
    unclaimed: noCosts(),
    unclaimedRemainder: 0n,
    settled: noCosts(),
    settingsVersion: 0,
    settings: new Map(),
    spent: new Map(),
    lateReceipts: { day: 0, nanoUsd: 0n },
    reservations: [],
    contact: {
      lastAtMs: null,
      profile: 'full',
      softwareVersion: null,
      heartbeats: [],
      firstHour: 0,
      lastHour: 0,
      minutesUp: new Map(),
      agents: 0,
      posts: 0,
      impressionsByDay: new Map(),
    },
    rewards: {
      count: 0,
      microSpark: 0n,
      lastAtMs: null,
      bonusDay: 0,
      milestone: 0,
      impressionsPaid: 0,
      impressionsUnpaid: 0,
      adRemainder: 0n,
      day: 0,
      dayMicroSpark: 0n,
      dayMinimum: 0n,
      capped: { impressions: 0, rewards: 0n, minimum: 0n },
    },
  }
}
