import { ClickhouseAway, ClickhouseRefused } from '../../pipelines/clickhouse/client.ts'
import type { ClickhouseClient } from '../../pipelines/clickhouse/client.ts'
import type { BlockSource } from '../../pipelines/clickhouse/queries/watermarks.ts'
import type { Logger } from '../../pipelines/logger.ts'
import { describeError } from '../exit.ts'
import { unavailable } from '../http/refusal.ts'

/** Requests that may wait for ClickHouse at once; more are told to come back. */
export const HISTORY_REQUESTS_MAX = 64

const RETRY_AWAY_SECONDS = 5
const RETRY_OVERLOADED_SECONDS = 1

/** UNKNOWN_TABLE and UNKNOWN_DATABASE: the migrations have not run yet. */
const NOT_MIGRATED: ReadonlySet<number> = new Set([60, 81])

/** The history: ClickHouse, asked by a bounded number of requests at once. */
export class History {
  readonly #client: ClickhouseClient
  readonly #logger: Logger
  readonly #topics: { readonly usageBlocks: string; readonly settlementBlocks: string }
  #asking = 0

  constructor(parts: {
    readonly client: ClickhouseClient
    readonly logger: Logger
    /** Names of the topics whose blocks fill the tables. */
    readonly topics: { readonly usageBlocks: string; readonly settlementBlocks: string }
  }) {
    this.#client = parts.client
    this.#logger = parts.logger
    this.#topics = parts.topics
  }

  /** Where rows of usage come from, for one partition. */
  usageSource(partition: number): BlockSource {
    return { topic: this.#topics.usageBlocks, partition }
  }

  /** Where rows of money come from, for one partition. */
  moneySource(partition: number): BlockSource {
    return { topic: this.#topics.settlementBlocks, partition }
  }

  /** Name of the topic of money. */
  get moneyTopic(): string {
    return this.#topics.settlementBlocks
  }

  /** Asks. Throws a Problem (503) where ClickHouse does not answer, has no tables yet, or too many ask. */
  async ask<Answer>(question: (client: ClickhouseClient) => Promise<Answer>): Promise<Answer> {
    if (this.#asking >= HISTORY_REQUESTS_MAX) {
      throw unavailable(
        'overloaded',
        'Too many requests read the history at once. Ask again in a moment.',
        RETRY_OVERLOADED_SECONDS,
      )
    }
    this.#asking += 1
    try {
      return await question(this.#client)
    } catch (error) {
      const isAway =
        error instanceof ClickhouseAway ||
        (error instanceof ClickhouseRefused && NOT_MIGRATED.has(error.code))
      if (!isAway) throw error
      this.#logger.warn({ err: error }, `the history cannot be read: ${describeError(error)}`)
      throw unavailable(
        'history_unavailable',
        'The history cannot be read now. Balances and the lifetime view still answer; ask again in a moment.',
        RETRY_AWAY_SECONDS,
      )
    } finally {
      this.#asking -= 1
    }
  }
}
