import type { Clock } from '../clock.ts'
import { ProduceError } from './producer.ts'
import type { Acknowledgement, LogProducer } from './producer.ts'
import type { LogAppend } from './records.ts'

/**
 * How long the caller of an append is kept waiting. The append itself continues for as long as its producer tries. Until it
 * has ended nothing new is accepted for its partition, so that no caller waits behind a broker that hangs or is away.
 */
export const APPEND_PATIENCE_MS = 1_500

/** What is known about a partition's append when the patience ends, or before. */
export type AppendFate =
  | 'acknowledged'
  /** It is in the log, or it is not, or it may still get there. */
  | 'unknown'
  /** It is in no log, and never will be. */
  | 'not_stored'

/** The final result of an append. */
export type AppendEnd =
  | { readonly acknowledgement: Acknowledgement; readonly sentAtMs: number }
  | { readonly error: unknown }

export interface AppendLanesOptions {
  readonly producer: LogProducer
  readonly clock: Clock
  /** The patience with a partition's append has ended: what waits behind it must be refused. */
  readonly onStalled: (partition: number) => void
  /** A partition's append has ended: the next one may be sent. */
  readonly onEnd: (partition: number, end: AppendEnd) => void
}

/** The partitions of a topic. Each has one append under way at a time, and none delays another. */
export class AppendLanes {
  readonly #options: AppendLanesOptions
  /** By partition, whether its append has outlasted the patience. */
  readonly #underWay = new Map<number, { isStalled: boolean }>()

  constructor(options: AppendLanesOptions) {
    this.#options = options
  }

  /** True: an append may be sent. */
  isFree(partition: number): boolean {
    return !this.#underWay.has(partition)
  }

  /** True: new records for the partition must be refused. */
  isStalled(partition: number): boolean {
    return this.#underWay.get(partition)?.isStalled === true
  }

  get isIdle(): boolean {
    return this.#underWay.size === 0
  }

  /**
   * Sends records to free partitions. `onFate` is called once for each partition, within the patience; with how the append
   * ended, or null where the patience ended first.
   */
  send(
    records: readonly LogAppend[],
    onFate: (partition: number, fate: AppendFate, end: AppendEnd | null) => void,
  ): void {
    const { producer, clock, onStalled, onEnd } = this.#options
    const sentAtMs = clock.nowMs()
    const waiting = new Set<number>()
    const patience = new AbortController()
    const end = (partition: number, fate: AppendFate, how: AppendEnd): void => {
      this.#underWay.delete(partition)
      if (waiting.delete(partition)) onFate(partition, fate, how)
      if (waiting.size === 0) patience.abort()
      onEnd(partition, how)
    }
    for (const [partition, appended] of producer.appendEach(records)) {
      waiting.add(partition)
      this.#underWay.set(partition, { isStalled: false })
      void appended.then(
        (acknowledgement) => end(partition, 'acknowledged', { acknowledgement, sentAtMs }),
        (error: unknown) => end(partition, fateOf(error), { error }),
      )
    }
    void clock.delay(APPEND_PATIENCE_MS, patience.signal).then(() => {
      for (const partition of waiting) {
        const lane = this.#underWay.get(partition)
        if (lane !== undefined) lane.isStalled = true
        onFate(partition, 'unknown', null)
        onStalled(partition)
      }
      waiting.clear()
    })
  }
}

function fateOf(error: unknown): AppendFate {
  return error instanceof ProduceError && !error.mayBeStored ? 'not_stored' : 'unknown'
}
