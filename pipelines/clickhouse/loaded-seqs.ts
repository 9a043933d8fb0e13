import { storedMarks } from './queries/stored-marks.ts'
import type { ClickhouseClient } from './client.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { StoredMark } from '../blocks/fit.ts'
import type { StoredMarks } from '../blocks/store-gate.ts'

const POLL_MS = 2_000

export interface LoadedSeqsOptions {
  readonly client: ClickhouseClient
  readonly topic: string
  readonly partitions: number
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Follows how far the blocks of one topic are loaded. While ClickHouse does not answer, nothing changes. One that reports a
 * lower number than before was restored from a copy, and its number is accepted.
 */
export class LoadedSeqs implements StoredMarks {
  readonly queried: Promise<void>
  readonly #options: LoadedSeqsOptions
  readonly #resolveQueried: () => void
  readonly #stopping = new AbortController()
  #marks: readonly StoredMark[] = []
  #polling: Promise<void> | undefined

  constructor(options: LoadedSeqsOptions) {
    this.#options = options
    const { promise, resolve } = Promise.withResolvers<void>()
    this.queried = promise
    this.#resolveQueried = resolve
  }

  /** Everything that ClickHouse has reported about the partition; null before the first answer. */
  of(partition: number): StoredMark | null {
    return this.#marks[partition] ?? null
  }

  /** The highest number that ClickHouse has reported in `watermarks` for the partition; 0 before the first answer. */
  seqOf(partition: number): number {
    return this.of(partition)?.seq ?? 0
  }

  start(): void {
    this.#polling ??= this.#poll()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#polling
  }

  async #poll(): Promise<void> {
    const { client, topic, partitions, clock, logger } = this.#options
    const all = Array.from({ length: partitions }, (_, partition) => partition)
    while (!this.#stopping.signal.aborted) {
      try {
        this.#marks = await storedMarks(client, topic, all)
      } catch (error) {
        logger.debug({ err: error }, 'ClickHouse did not say how far the blocks are loaded')
      }
      this.#resolveQueried()
      await clock.delay(POLL_MS, this.#stopping.signal)
    }
  }
}
