import { ClickhouseAway, ClickhouseRefused } from '../../../pipelines/clickhouse/client.ts'
import type { ClickhouseClient } from '../../../pipelines/clickhouse/client.ts'
import { loadedOf, smallestWatermark } from '../../../pipelines/clickhouse/queries/watermarks.ts'
import type { BlockSource, Loaded } from '../../../pipelines/clickhouse/queries/watermarks.ts'
import type { Clock } from '../../../pipelines/clock.ts'
import type { Logger } from '../../../pipelines/logger.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { TABLES } from '../../../schemas/tables.ts'
import type { FilledTable } from '../../../schemas/tables.ts'
import type { BlockRole } from '../../../schemas/topics.ts'
import { WATERMARK_DELAY_MS } from '../../../schemas/usage.ts'
import { describeError } from '../../runtime/exit.ts'
import type { Begin, TopicVersion } from '../../runtime/layout.ts'
import { unavailable } from '../../http/refusal.ts'
import { Shares } from '../../http/shares.ts'
import { Turns } from '../../http/turns.ts'
import { RETRY_BUSY_S, RETRY_HISTORY_AWAY_S } from '../../http/retry-after.ts'

/**
 * Requests that may wait for ClickHouse at once; one credential may have half of them. Further ones are refused for the
 * moment.
 */
export const HISTORY_REQUESTS_MAX = 64

/** Those of them that query it at once; at most this number of connections is open to it. */
export const HISTORY_RUNNING_MAX = 32

/**
 * How old an answer about what is loaded may be. Rows that came later are left out, as before; a query for each request
 * was half of all statements, and a group of blocks spans 2 s anyway.
 */
export const LOADED_AGE_MS_MAX = 500

/** UNKNOWN_TABLE and UNKNOWN_DATABASE: the migrations have not run yet. */
const NOT_MIGRATED: ReadonlySet<number> = new Set([60, 81])

interface LoadedAnswer {
  readonly queriedMs: number
  readonly answer: Promise<Loaded | null>
}

/** The history: ClickHouse, queried by a bounded number of requests at once, of which each credential has its share. */
export class History {
  readonly #client: ClickhouseClient
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #topics: Readonly<Record<BlockRole, string>>
  readonly #before: readonly TopicVersion[]
  /** The watermark with which the partitions of a topic began; no entry where no version was before them. */
  readonly #beginMs: ReadonlyMap<string, number>
  /** By replica, then by topic and partition: what one replica has, another may still have to fetch. */
  readonly #loaded = new WeakMap<ClickhouseClient, Map<string, LoadedAnswer>>()
  readonly #requests = new Shares(HISTORY_REQUESTS_MAX)
  readonly #turns = new Turns(HISTORY_RUNNING_MAX)

  constructor(parts: {
    readonly client: ClickhouseClient
    readonly clock: Clock
    readonly logger: Logger
    /** Names of the topics whose blocks fill the tables. */
    readonly topics: Readonly<Record<BlockRole, string>>
    /** Versions of the topics that ended. */
    readonly before?: readonly TopicVersion[] | undefined
    /** What the partitions began with, if there was a version before. */
    readonly begin?: Begin | null | undefined
  }) {
    this.#client = parts.client
    this.#clock = parts.clock
    this.#logger = parts.logger
    this.#topics = parts.topics
    this.#before = parts.before ?? []
    this.#beginMs = beginsOf(parts.topics, parts.begin ?? null)
  }

  /** Where a table's rows come from, for one partition. */
  source(table: FilledTable, partition: number): BlockSource {
    return { topic: this.#topics[TABLES[table].filledBy], partition }
  }

  /** Where the rows of a node are that came in versions of the topics that ended, for one table. */
  olderSources(table: FilledTable, nodeId: string): readonly BlockSource[] {
    return this.#before.map(({ topics, partitions }) => ({
      topic: topics[TABLES[table].filledBy],
      partition: partitionOfNode(nodeId, partitions),
    }))
  }

  /** Up to where a table is complete in all of its partitions. Called within `ask`. */
  async smallestWatermark(
    client: ClickhouseClient,
    table: FilledTable,
    partitions: number,
  ): Promise<number | null> {
    const topic = this.#topics[TABLES[table].filledBy]
    return await smallestWatermark(client, topic, partitions, this.#beginMs.get(topic) ?? null)
  }

  async #loadedOf(client: ClickhouseClient, source: BlockSource): Promise<Loaded | null> {
    const found = await loadedOf(client, source)
    const watermarkMs = this.#beginMs.get(source.topic)
    return found ?? (watermarkMs === undefined ? null : { seq: '0', watermarkMs })
  }

  /**
   * How far the replica has a partition, as of at most 500 ms ago; null before its first group. Call it before the rows
   * are read, with the client that `ask` gave: what it reports as loaded was present at that time.
   */
  async loaded(source: BlockSource, client: ClickhouseClient): Promise<Loaded | null> {
    const place = `${source.topic}/${source.partition}`
    const answers = this.#answersOf(client)
    const queriedMs = this.#clock.monotonicMs()
    const known = answers.get(place)
    if (known !== undefined && queriedMs - known.queriedMs < LOADED_AGE_MS_MAX) return await known.answer
    const query = { queriedMs, answer: this.#loadedOf(client, source) }
    answers.set(place, query)
    try {
      return await query.answer
    } catch (error) {
      if (answers.get(place) === query) answers.delete(place)
      throw error
    }
  }

  #answersOf(client: ClickhouseClient): Map<string, LoadedAnswer> {
    const replica = client.replicas[0] ?? client
    let answers = this.#loaded.get(replica)
    if (answers === undefined) {
      answers = new Map()
      this.#loaded.set(replica, answers)
    }
    return answers
  }

  /**
   * Queries one replica, for a holder of shares. Throws a Problem (503) where ClickHouse does not answer, has no tables
   * yet, or too many requests query it.
   */
  async ask<Answer>(
    holder: string,
    question: (client: ClickhouseClient) => Promise<Answer>,
  ): Promise<Answer> {
    if (!this.#requests.take(holder, 1)) {
      throw unavailable(
        'overloaded',
        'Too many requests read the history at once, in all or with this credential. Ask again in a moment.',
        RETRY_BUSY_S,
      )
    }
    try {
      return await this.#turns.run(holder, () => this.#client.onOneReplica(question))
    } catch (error) {
      const isAway =
        error instanceof ClickhouseAway ||
        (error instanceof ClickhouseRefused && NOT_MIGRATED.has(error.code))
      if (!isAway) throw error
      this.#logger.warn({ err: error }, `the history cannot be read: ${describeError(error)}`)
      throw unavailable(
        'history_unavailable',
        'The history cannot be read now. Balances and the lifetime view still answer; ask again in a moment.',
        RETRY_HISTORY_AWAY_S,
      )
    } finally {
      this.#requests.giveBack(holder, 1)
    }
  }
}

function beginsOf(
  topics: Readonly<Record<BlockRole, string>>,
  begin: Begin | null,
): ReadonlyMap<string, number> {
  if (begin === null) return new Map()
  return new Map([
    [topics.usageBlocks, begin.usageWatermarkMs],
    [topics.settlementBlocks, Math.max(0, begin.accountsNowMs - WATERMARK_DELAY_MS)],
  ])
}
