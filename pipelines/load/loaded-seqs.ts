import type { ClickhouseClient } from '../clickhouse/client.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'

const POLL_MS = 2_000

/** Follows how far the blocks of one topic are loaded. A ClickHouse that does not answer leaves all as it was. */
export class LoadedSeqs {
  readonly #client: ClickhouseClient
  readonly #topic: string
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #stopping = new AbortController()
  readonly #seqs = new Map<number, number>()
  #polling: Promise<void> | undefined

  constructor(options: {
    readonly client: ClickhouseClient
    readonly topic: string
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.#client = options.client
    this.#topic = options.topic
    this.#clock = options.clock
    this.#logger = options.logger
  }

  /** The newest maximum of `watermarks` that ClickHouse has told for the partition; 0 before it told any. */
  of(partition: number): number {
    return this.#seqs.get(partition) ?? 0
  }

  start(): void {
    this.#polling ??= this.#poll()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#polling
  }

  async #poll(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        const rows = await this.#client.rows<{ partition: number; seq: string }>(
          `SELECT src_partition AS partition, max(src_seq) AS seq FROM watermarks
             WHERE src_topic = {topic:String} GROUP BY src_partition`,
          { topic: this.#topic },
          { max_threads: 1 },
        )
        for (const { partition, seq } of rows) {
          this.#seqs.set(partition, Math.max(this.of(partition), Number(seq)))
        }
      } catch (error) {
        this.#logger.debug({ err: error }, 'ClickHouse did not say how far the blocks are loaded')
      }
      await this.#clock.delay(POLL_MS, this.#stopping.signal)
    }
  }
}
