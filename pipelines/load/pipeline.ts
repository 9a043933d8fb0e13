import type { Metrics } from '../../schemas/metrics.ts'
import { ClickhouseAway, ClickhouseRefused } from '../clickhouse/client.ts'
import type { Clock } from '../clock.ts'
import { LOADER_SESSION_TIMEOUT_MS } from '../kafka/block-consumer.ts'
import type { BlockOutcome, BlockSession } from '../kafka/block-consumer.ts'
import { HaltError } from '../kafka/records.ts'
import type { LogRecord } from '../kafka/records.ts'
import type { Failpoint } from '../failpoints.ts'
import type { Logger } from '../logger.ts'
import { GroupGatherer, insertsOf, isTick, toBlock } from './group.ts'
import type { Group, Insert } from './group.ts'
import { INSERT_TIME_LIMIT_MS } from './store.ts'
import type { BlockSource, BlockStore } from './store.ts'

/** How long a partition rests when ClickHouse is away or an outcome is unknown. */
export const LOADER_REST_MS = 2_000

/** Phantom tokens in a row before the partition halts: the store would not be what it says it is. */
const PHANTOMS_MAX = 5

const HEARTBEAT_MS = 1_000
const LOOK_AGAIN_MS = 250

export interface PartitionLoaderOptions {
  readonly source: BlockSource
  readonly store: BlockStore
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly failpoint: Failpoint
}

/** The heartbeat was too old before an INSERT: another loader may have the partition. */
class SessionInDoubt extends Error {}

/**
 * Loads one partition's blocks, each row once (design, "The loader"):
 *   1. gather a group by the borders in the log; one INSERT a table and month under a token, `watermarks` last; then
 *      commit the group's end.
 *   2. when assigned, and after any outcome but a plain OK: look first, insert what is absent under the same token.
 *   3. an OK under a token that somebody may have tried before proves nothing: look again; still absent when no INSERT
 *      can be under way any more: a phantom token, so the next one is `-r1`. Where token and rows are one commit
 *      (Replicated tables) there is none: it halts.
 *   4. a block that ClickHouse refuses halts the partition.
 */
export class PartitionLoader {
  readonly #options: PartitionLoaderOptions
  readonly #gatherer = new GroupGatherer()
  /** What `watermarks` said last, or null: to be asked. */
  #loadedSeq: number | null = null
  /** True until one group was inserted with looks: before that, others may have tried its tokens. */
  #inDoubt = true

  constructor(options: PartitionLoaderOptions) {
    this.#options = options
  }

  /** The group gave the partition (again). */
  assigned(): void {
    this.#forget()
  }

  /** Takes records in order. Throws `HaltError`; every other error is an outcome, with the place to go on from. */
  async take(records: readonly LogRecord[], session: BlockSession): Promise<BlockOutcome> {
    const first = records[0]
    if (first === undefined) return { next: 'continue' }
    let from = this.#gatherer.openOffset ?? first.offset
    try {
      const { store, source } = this.#options
      this.#loadedSeq ??= await this.#withHeartbeats(store.loadedSeq(source), session)
      for (const record of records) {
        if (isTick(record)) continue
        for (const group of this.#gatherer.take(toBlock(record), this.#loadedSeq)) {
          await this.#load(group, session)
          from = group.endOffset
          if (session.isEnding()) return this.#leftAt(from)
        }
      }
      return { next: 'continue' }
    } catch (error) {
      const { source, logger } = this.#options
      if (error instanceof ClickhouseRefused) {
        throw new HaltError(
          'block_refused',
          `ClickHouse refused a block of ${source.topic}[${source.partition}]: ${error.message}`,
          'Mend the table or the server (npm run migrate), then restart the loader; the block is kept 30 days.',
        )
      }
      // Whatever came between, nothing of the open group is known to be loaded, and its records must come again.
      this.#forget()
      if (error instanceof HaltError) throw error
      if (!(error instanceof ClickhouseAway || error instanceof SessionInDoubt)) {
        return { next: 'broken', offset: from, error }
      }
      logger.warn(
        { ...source, err: error },
        'a group is not known to be loaded; it is looked up and tried again',
      )
      return { next: 'again', offset: from, restMs: LOADER_REST_MS }
    }
  }

  #leftAt(offset: bigint): BlockOutcome {
    this.#forget()
    return { next: 'again', offset, restMs: LOADER_REST_MS }
  }

  #forget(): void {
    this.#gatherer.reset()
    this.#loadedSeq = null
    this.#inDoubt = true
  }

  async #load(group: Group, session: BlockSession): Promise<void> {
    const { metrics } = this.#options
    const isLoaded = this.#loadedSeq !== null && this.#loadedSeq >= group.lastSeq
    const inserts = insertsOf(group)
    if (isLoaded) {
      for (const { table } of inserts) this.#count(table, 'present')
    } else {
      for (const insert of inserts) await this.#insertOnce(insert, session)
      this.#loadedSeq = group.lastSeq
      this.#inDoubt = false
    }
    await this.#options.failpoint('before_offset_commit')
    await session.commit(group.endOffset)
    metrics.count('hivemeter_loader_groups_total')
  }

  async #insertOnce(insert: Insert, session: BlockSession): Promise<void> {
    const { store, source } = this.#options
    if (!this.#inDoubt) {
      await this.#insert(insert, tokenOf(source, insert, 0), session)
      this.#count(insert.table, 'ok')
      return
    }
    if (await this.#withHeartbeats(store.holds(source, insert), session)) {
      this.#count(insert.table, 'present')
      return
    }
    await this.#options.failpoint('after_look')
    const phantomsMax = store.atomicTokens === true ? 0 : PHANTOMS_MAX
    for (let phantoms = 0; phantoms <= phantomsMax; phantoms++) {
      await this.#insert(insert, tokenOf(source, insert, phantoms), session)
      if (await this.#appears(insert, session)) {
        this.#count(insert.table, phantoms === 0 ? 'repeated' : 'phantom')
        return
      }
    }
    throw new HaltError(
      'phantom_tokens',
      `${insert.table} acknowledged block ${insert.firstSeq} of ${source.topic}[${source.partition}] and does not show it.`,
      'Look into ClickHouse: it acknowledges inserts that are not there. Then restart the loader.',
    )
  }

  /** Looks again after an OK: at once, and until an INSERT that was under way before could no longer land. */
  async #appears(insert: Insert, session: BlockSession): Promise<boolean> {
    const { store, source, clock } = this.#options
    const deadlineMs = clock.monotonicMs() + INSERT_TIME_LIMIT_MS
    for (;;) {
      if (await this.#withHeartbeats(store.holds(source, insert), session)) return true
      if (clock.monotonicMs() >= deadlineMs) return false
      await clock.delay(LOOK_AGAIN_MS)
      await session.heartbeat()
    }
  }

  async #insert(insert: Insert, token: string, session: BlockSession): Promise<void> {
    const { store, clock, metrics, failpoint } = this.#options
    await session.heartbeat()
    if (session.heartbeatAgeMs() > LOADER_SESSION_TIMEOUT_MS / 2) {
      throw new SessionInDoubt('The last heartbeat is older than half the session.')
    }
    await failpoint('before_insert')
    const beginMs = clock.monotonicMs()
    const inserted = Promise.all([store.insert(insert, token), failpoint('during_insert')])
    await this.#withHeartbeats(inserted, session)
    await failpoint('after_insert')
    metrics.observe(
      'hivemeter_clickhouse_insert_duration_seconds',
      { table: insert.table },
      (clock.monotonicMs() - beginMs) / 1_000,
    )
  }

  /** Sends heartbeats while ClickHouse works; a rebalance waits for its end, so that no INSERT is left behind. */
  async #withHeartbeats<T>(work: Promise<T>, session: BlockSession): Promise<T> {
    const over = new AbortController()
    let rebalance: unknown
    const beat = async (): Promise<void> => {
      while (rebalance === undefined) {
        await this.#options.clock.delay(HEARTBEAT_MS, over.signal)
        if (over.signal.aborted) return
        try {
          await session.heartbeat()
        } catch (error) {
          rebalance = error
        }
      }
    }
    const [done] = await Promise.all([work.finally(() => over.abort()), beat()])
    if (rebalance !== undefined) throw rebalance
    return done
  }

  #count(table: string, outcome: 'ok' | 'present' | 'repeated' | 'phantom'): void {
    this.#options.metrics.count('hivemeter_clickhouse_inserts_total', { table, outcome })
  }
}

/** The same for whoever loads the group, whenever; a phantom's successor is told apart by its suffix. */
function tokenOf({ topic, partition }: BlockSource, insert: Insert, phantoms: number): string {
  const token = `${topic}/${partition}/${insert.table}/${insert.month}/${insert.firstSeq}`
  return phantoms === 0 ? token : `${token}-r${phantoms}`
}
