import { foreignStore, taskMisfit } from './fit.ts'
import type { StoredMark, TaskMark } from './fit.ts'

/**
 * A task whose newest record is this old when it is fenced may stand on a log that was put back from a copy: then it does
 * not begin before ClickHouse has answered. A log that was written a moment ago was not; so a partition that changes hands
 * while ClickHouse is away goes on.
 */
export const UNASKED_SILENCE_MS_MAX = 300_000

/** What ClickHouse tells of the blocks of one topic, as it was last asked. */
export interface StoredMarks {
  /** Null before it has answered for the first time. */
  of(partition: number): StoredMark | null
  /** Resolves when it was asked once, with or without an answer. */
  readonly asked: Promise<void>
}

export interface StoreGateOptions {
  readonly installationId: string
  readonly topic: string
  readonly partition: number
  readonly marks: StoredMarks
}

/** Lets a task begin once it is known that the log is not older than ClickHouse. */
export class StoreGate {
  readonly #options: StoreGateOptions
  #isOpen = false
  #hasAsked = false
  /** Log times of the newest task record and of the newest fence, which is the task's own. */
  #recordedAtMs: number | null = null
  #fencedAtMs = 0

  constructor(options: StoreGateOptions) {
    this.#options = options
  }

  /** True: ClickHouse was asked, and fits. Nothing is asked again. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** The restore met a fence of this log time. */
  fencedAt(timeMs: number): void {
    this.#fencedAtMs = timeMs
  }

  /** The restore met a task record of this log time. */
  recordedAt(timeMs: number): void {
    this.#recordedAtMs = timeMs
  }

  /** True where the task may decide, false where ClickHouse must answer first. Throws `HaltError` where the stores do not fit. */
  async pass(task: TaskMark): Promise<boolean> {
    const { installationId, topic, partition, marks } = this.#options
    if (!this.#hasAsked) await marks.asked
    this.#hasAsked = true
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
