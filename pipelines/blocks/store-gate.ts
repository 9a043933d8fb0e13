import { foreignStore, taskMisfit } from './fit.ts'
import type { StoredMark, TaskMark } from './fit.ts'

/**
 * A task whose newest record is this old when it is fenced may be working on a log that was restored from a copy: such a
 * task does not begin before ClickHouse has answered. A log that was written a moment ago was not restored, so a partition
 * that changes hands while ClickHouse is away continues.
 */
export const UNASKED_SILENCE_MS_MAX = 300_000

/** What ClickHouse reported about the blocks of one topic in the last answer. */
export interface StoredMarks {
  /** Null before the first answer. */
  of(partition: number): StoredMark | null
  /** Resolves after the first query, with or without an answer. */
  readonly queried: Promise<void>
}

export interface StoreGateOptions {
  readonly installationId: string
  readonly topic: string
  readonly partition: number
  readonly marks: StoredMarks
}

/** Lets a task begin once it is known that the log is not older than the tables of ClickHouse. */
export class StoreGate {
  readonly #options: StoreGateOptions
  #isOpen = false
  #hasQueried = false
  /** Log times of the newest task record and of the newest fence, which is the fence of this task. */
  #recordedAtMs: number | null = null
  #fencedAtMs = 0

  constructor(options: StoreGateOptions) {
    this.#options = options
  }

  /** True: ClickHouse has answered, and its tables fit the log. It is not queried again. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** The restore read a fence with this log time. */
  fencedAt(timeMs: number): void {
    this.#fencedAtMs = timeMs
  }

  /** The restore read a task record with this log time. */
  recordedAt(timeMs: number): void {
    this.#recordedAtMs = timeMs
  }

  /** True where the task may decide, false where ClickHouse must answer first. Throws `HaltError` where the stores do not fit. */
  async pass(task: TaskMark): Promise<boolean> {
    const { installationId, topic, partition, marks } = this.#options
    if (!this.#hasQueried) await marks.queried
    this.#hasQueried = true
    const stored = marks.of(partition)
    if (stored === null) {
      return this.#recordedAtMs !== null && this.#fencedAtMs - this.#recordedAtMs <= UNASKED_SILENCE_MS_MAX
    }
    const misfit = foreignStore(installationId, stored) ?? taskMisfit(`${topic}[${partition}]`, task, stored)
    if (misfit !== null) throw misfit
    this.#isOpen = true
    return true
  }
}
