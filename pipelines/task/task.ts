import type { HaltReason } from '../../schemas/reasons.ts'
import type { LogAppend, LogRecord, TopicAppend } from '../log/records.ts'
import type { SetAside } from './undecided.ts'
import { MIB } from '../../schemas/units.ts'

/**
 * A task is the work on one partition: one transactional producer, one output partition p of each topic it writes,
 * one fetched batch = one transaction.
 *
 *   assigned ─▶ fencing ─▶ restoring ─▶ running ─▶ (ended)
 *      ▲                                  │
 *      └────────── waiting ◀──── any error after begin: outcome unknown; any error of decide
 *                                         │
 *                                      halted: a person must act
 *
 * The task's position is decided by the task record that each of its transactions writes to its state topic, last of
 * all; the group's offset decides nothing. What is in memory is a cache of the state topic: after any doubt the cache is
 * discarded and restored behind a fence.
 */
export type TaskPhase = 'assigned' | 'fencing' | 'restoring' | 'running' | 'waiting' | 'halted'

/**
 * Where a task may go from each phase. A task of another process, or a partition that the group assigns again, begins as
 * `assigned`.
 */
const NEXT_PHASES: Readonly<Record<TaskPhase, ReadonlySet<TaskPhase>>> = {
  assigned: new Set(['fencing']),
  fencing: new Set(['restoring', 'waiting', 'halted']),
  // Where the group rebalances while the task restores, it starts at the fence again without waiting.
  restoring: new Set(['running', 'waiting', 'halted', 'assigned']),
  running: new Set(['waiting', 'halted']),
  waiting: new Set(['assigned']),
  halted: new Set(),
}

export const TASK_PHASES = Object.keys(NEXT_PHASES) as readonly TaskPhase[]

/** Whether a task may go from one phase to the other. Any other step is a defect of this program. */
export function isLegalStep(from: TaskPhase, to: TaskPhase): boolean {
  return NEXT_PHASES[from].has(to)
}

/** A halted partition as the operator sees it. */
export interface Halt {
  readonly reason: HaltReason
  readonly message: string
  readonly remedy: string
}

/** What a task is given: the fetched records at or above its position, in order. */
export interface TaskBatch {
  readonly records: readonly LogRecord[]
  /** One past the last fetched offset, markers included: the position once all records are applied. */
  readonly nextOffset: bigint
  /**
   * Records, or events of them, that `decide` failed at again and again: they are set aside in this batch, in the
   * transaction that moves past them. Where they must not be set aside (hand-over ranges, configuration, ticks), the
   * state throws the halt.
   */
  readonly setAside?: readonly SetAside[]
}

/** What a task decided about a batch. Nothing of it is in force before its transaction is committed. */
export interface TaskDecision {
  /** Appends in order, the task record last. Empty: there is nothing to write, and the position moves in memory only. */
  readonly appends: readonly TopicAppend[]
  /** Where the input continues: at `nextOffset`, or at an earlier record that has to wait. */
  readonly position: bigint
  /** True: a group of blocks is open; a tick ends it 500 ms after the last batch. */
  readonly groupOpen: boolean
  /**
   * Why the partition rests at `position`, with no ticks, before it tries again after a while; null where it does not
   * rest.
   */
  readonly pause: string | null
}

/**
 * Sends records to other partitions of the task's own input, outside of its transaction and before it begins. Each slot has
 * one: it outlives the states that are discarded and restored, and ends when the partition leaves the process.
 */
export interface Forward {
  /** What the input's records below this offset had for other partitions was sent on: it is not sent again. */
  readonly below: bigint
  /**
   * Sends what the input has for other partitions below the offset `below`. True once the broker has acknowledged all of
   * it. False: some may be missing, and the records that it came from have to wait.
   */
  send(records: readonly LogAppend[], below: bigint): Promise<boolean>
}

/** What the task learned from a commit that is known to have succeeded. */
export interface TaskCommitted {
  /** Records of the state topic before this offset are no longer needed by any restore. */
  readonly deleteStateBefore: bigint | null
}

/** Where a restored task continues. */
export interface TaskRestored {
  readonly position: bigint
  /** One past the newest input that was decided. It is at or above `position`, and the input may not end below it. */
  readonly decidedTo: bigint
  /** Records for its own input partition: configuration that the log does not have yet. */
  readonly appends: readonly Omit<LogAppend, 'partition'>[]
  /** A note about what the restore found, for the operator's log; null where there is nothing to report. */
  readonly note: string | null
}

/**
 * The state of one task and its decisions, without I/O to Kafka. It is built anew for every restore, and the runtime
 * calls it from one place at a time. It throws `HaltError` where going on would be a guess; any other error discards the
 * state. `decide` throws `UndecidedError` where it knows the record that causes the error, and `OutsideError` where no
 * record does: see `Undecided`.
 */
export interface TaskState {
  /** Takes one record of the state topic, oldest first, fence records included. */
  restore(record: LogRecord): void
  /** Called after the last state record. `inputStart` is the first offset that the input still holds. */
  restored(inputStart: bigint): TaskRestored
  decide(batch: TaskBatch): Promise<TaskDecision>
  /** The decision's transaction is committed; `offsets` are those of its appends. */
  committed(offsets: readonly bigint[]): TaskCommitted
  /** Called once, when the state is discarded. */
  dispose(): void
}

/** Bounds of the runtime, each named once. */
export const TASK_BOUNDS = {
  /** A group of blocks ends 500 ms after its last border, with the next commit or by a tick. */
  groupAgeMs: 500,
  /** After an unknown outcome a task goes to its fence at most this often. */
  fenceIntervalMs: 2_000,
  /** How long a partition that has to rest does so. */
  pauseMs: 5_000,
  /** An idle aggregator partition gets a tick this often, so that its watermark moves on. */
  idleTickMs: 5_000,
  /** A task that was assigned and whose tick was lost gets another one after this time. */
  startTickMs: 1_000,
  /** How often the group's offset is committed, for lag tools only. */
  offsetCommitMs: 5_000,
  sessionTimeoutMs: 10_000,
  /** A task that failed waits for the second heartbeat. */
  heartbeatIntervalMs: 500,
  /** How long the group waits for members that finish their batch before it shares the partitions out anew. */
  rebalanceTimeoutMs: 30_000,
  /**
   * Tries of the consumer before it starts anew, about 13 s. A member that starts anew has another name, and the group
   * waits for the end of the old member's session. A coordinator that dies has a successor sooner than that.
   */
  consumerRetriesMax: 30,
  /**
   * After a small batch the next one is not fetched until this much time has passed since the small one came. A
   * transaction costs about 8 ms here and as much in the broker, whatever it holds, so a steady flow goes into fewer
   * transactions. A lone event never waits.
   */
  batchIntervalMs: 100,
  /** A batch of this size is not small: there is a backlog. */
  batchBytesSmall: 500_000,
  /** Longest wait of a fetch. A lone event waits at most this long in vain. */
  fetchWaitMs: 100,
  fetchBytesMax: 32 * MIB,
  /** Bytes of one partition in one fetch, and so in one transaction's input. Larger fetches cost memory and gain little. */
  partitionBytesMax: 2_000_000,
} as const
