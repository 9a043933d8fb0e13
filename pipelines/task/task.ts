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
 * The truth about its position is the task record that each of its transactions writes to its state topic, last of
 * all; the group's offset decides nothing. What is in memory is a cache of the state topic: after any doubt it is
 * thrown away and restored behind a fence.
 */
export type TaskPhase = 'assigned' | 'fencing' | 'restoring' | 'running' | 'waiting' | 'halted'

/** Where a task may go from each phase. A task of another process, or one that the group gives again, begins as `assigned`. */
const NEXT_PHASES: Readonly<Record<TaskPhase, ReadonlySet<TaskPhase>>> = {
  assigned: new Set(['fencing']),
  fencing: new Set(['restoring', 'waiting', 'halted']),
  // Where the group rebalances while it restores, it starts at the fence again and does not wait.
  restoring: new Set(['running', 'waiting', 'halted', 'assigned']),
  running: new Set(['waiting', 'halted']),
  waiting: new Set(['assigned']),
  halted: new Set(),
}

export const TASK_PHASES = Object.keys(NEXT_PHASES) as readonly TaskPhase[]

/** Whether a task may go from one phase to the other; one that does otherwise is a mistake of this program. */
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
   * What `decide` failed at again and again: it is set aside in this batch, in the transaction that moves past it. Where
   * that must not be (hand-over ranges, configuration, ticks), the state throws the halt.
   */
  readonly setAside?: readonly SetAside[]
}

/** What a task decided about a batch; nothing of it is in force before the transaction is committed. */
export interface TaskDecision {
  /** In order, the task record last. Empty: nothing to write, the position moves in memory only. */
  readonly appends: readonly TopicAppend[]
  /** Where the input goes on: `nextOffset`, or an earlier record that has to wait. */
  readonly position: bigint
  /** True: a group of blocks is open; a tick ends it 500 ms after the last batch. */
  readonly groupOpen: boolean
  /** The partition rests at `position` and tries again after a while; no ticks meanwhile. */
  readonly pause: string | null
}

/**
 * Sends records to other partitions of the task's own input, outside of its transaction and before it begins. True once the
 * broker has acknowledged all of them; false: some may be missing, and what they came from has to wait.
 */
export type Forward = (records: readonly LogAppend[]) => Promise<boolean>

/** What the task learned from a commit that is known to be done. */
export interface TaskCommitted {
  /** Records of the state topic before this offset are no longer needed by any restore. */
  readonly deleteStateBefore: bigint | null
}

/** Where a restored task goes on. */
export interface TaskRestored {
  readonly position: bigint
  /** One past the newest input that was decided: at or above `position`, and the input may not end below it. */
  readonly decidedTo: bigint
  /** Records for its own input partition: configuration that the log does not have yet. */
  readonly appends: readonly Omit<LogAppend, 'partition'>[]
  /** What whoever runs it should hear of what was found, null for nothing. */
  readonly note: string | null
}

/**
 * The state of one task and its decisions, without I/O to Kafka. Built anew for every restore; the runtime calls it
 * from one place at a time. Throws `HaltError` where going on would be a guess; any other error drops the state. `decide`
 * throws `UndecidedError` where it knows the record at fault, and `OutsideError` where none is: see `Undecided`.
 */
export interface TaskState {
  /** One record of the state topic, oldest first, fence records included. */
  restore(record: LogRecord): void
  /** The last state record was given. `inputStart` is the first offset that the input still holds. */
  restored(inputStart: bigint): TaskRestored
  decide(batch: TaskBatch): Promise<TaskDecision>
  /** The decision's transaction is committed; `offsets` are those of its appends. */
  committed(offsets: readonly bigint[]): TaskCommitted
  /** Called once, when the state is thrown away. */
  dispose(): void
}

/** Bounds of the runtime, each named once. */
export const TASK_BOUNDS = {
  /** A group of blocks ends 500 ms after its last border, with the next commit or by a tick. */
  groupAgeMs: 500,
  /** After an unknown outcome a task starts at fence at most this often. */
  fenceIntervalMs: 2_000,
  /** How long a partition that had to rest does so. */
  pauseMs: 5_000,
  /** An idle aggregator partition gets a tick: its watermark moves on. */
  idleTickMs: 5_000,
  /** A task that was assigned and whose tick was lost gets another. */
  startTickMs: 1_000,
  /** How often the group's offset is committed, for lag tools only. */
  offsetCommitMs: 5_000,
  sessionTimeoutMs: 10_000,
  /** A task that failed waits for the second one. */
  heartbeatIntervalMs: 500,
  /** How long the group waits for members that finish their batch before it shares the partitions out anew. */
  rebalanceTimeoutMs: 30_000,
  /**
   * Tries of the consumer before it starts anew, about 13 s: a member that starts anew has another name, and the group waits a
   * session for the one before. A coordinator that dies has a successor sooner.
   */
  consumerRetriesMax: 30,
  /**
   * After a small batch the next one is not fetched before this has passed since it came. A transaction costs about 8 ms
   * here and as much in the broker whatever it holds, so a steady flow goes into fewer of them; a lone event never waits.
   */
  batchIntervalMs: 100,
  /** A batch of this size is not small: there is a backlog. */
  batchBytesSmall: 500_000,
  /** Longest wait of a fetch; with it a lone event waits at most this long for nothing. */
  fetchWaitMs: 100,
  fetchBytesMax: 32 * MIB,
  /** Of one partition in one fetch, and so of one transaction's input; larger ones cost memory and gain little. */
  partitionBytesMax: 2_000_000,
} as const
