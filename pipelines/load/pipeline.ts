import type { Metrics } from '../../schemas/metrics.ts'
import { ClickhouseAway, ClickhouseRefused } from '../clickhouse/client.ts'
import type { Clock } from '../clock.ts'
import { LOADER_SESSION_TIMEOUT_MS } from './block-pump.ts'
import type { BlockOutcome, BlockSession } from './block-session.ts'
import { HaltError } from '../log/records.ts'
import type { LogRecord } from '../log/records.ts'
import type { Failpoint } from '../failpoints.ts'
import type { Logger } from '../logger.ts'
import { foreignStore, historyMisfit, logMisfit } from '../blocks/fit.ts'
import type { StoredMark } from '../blocks/fit.ts'
import { GroupGatherer, insertsOf, isTick, toBlock, watermarkIn } from './group.ts'
import type { Block, Group, Insert } from './group.ts'
import { INSERT_TIME_LIMIT_MS } from './store.ts'
import type { BlockSource, BlockStore } from './store.ts'
import { HOUR_MS, SECOND_MS } from '../../schemas/units.ts'

/** How long a partition rests when ClickHouse is away or an outcome is unknown. */
export const LOADER_REST_MS = 2_000

/** Phantom tokens in a row after which the partition halts: the store would not be what it claims to be. */
const PHANTOMS_MAX = 5

const HEARTBEAT_MS = 1_000
const LOOK_AGAIN_MS = 250

export interface PartitionLoaderOptions {
  readonly source: BlockSource
  /** The installation that Kafka belongs to; the store must name the same one. */
  readonly installationId: string
  readonly store: BlockStore
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly failpoint: Failpoint
}

/**
 * The search for blocks that must be loaded again begins this long before the newest loaded watermark, because the clocks
 * of brokers differ. Where that finds none, it begins at the log's start.
 */
export const RELOAD_MARGIN_MS = HOUR_MS

/** Where in the log blocks that must be loaded again were searched for. */
type Searched = 'nowhere' | 'from_watermark' | 'from_start'

/**
 * The last heartbeat before an INSERT was too old, or Kafka did not say what the log holds: another loader may own the
 * partition.
 */
class SessionInDoubt extends Error {}

/** The store does not have what was loaded last: another loader was here, or the tables came back from an older copy. */
class StoreMoved extends Error {}

/**
 * Loads one partition's blocks, each row once (design, "The loader"):
 *   1. gather a group by the borders in the log; one INSERT for each table and month under a token, `watermarks` last; then
 *      commit the group's end.
 *   2. when assigned, and after any outcome but a plain OK: look first, insert what is absent under the same token.
 *   3. an OK under a token that another loader may have tried before proves nothing: look again; still absent when no INSERT
 *      can be under way any more: a phantom token, so the next one is `-r1`. Where token and rows are one commit
 *      (Replicated tables) there is none: it halts.
 *   4. a block that ClickHouse refuses halts the partition.
 *   5. tables that have less than was loaded came back from an older copy: loading goes back in the log as far as they did,
 *      and looks at every group up to where it was; a log that is older than the tables halts the partition.
 */
export class PartitionLoader {
  readonly #options: PartitionLoaderOptions
  readonly #gatherer = new GroupGatherer()
  /** What ClickHouse reported when the partition was assigned, or after a doubt; null: it must be queried. */
  #stored: StoredMark | null = null
  /** Everything up to this number is loaded. */
  #loadedSeq = 0
  /** The last block that is known to be loaded since the partition was assigned. */
  #newestOffset: bigint | null = null
  /** True while records are taken, and the time when they last were. */
  #isTaking = false
  #tookAtMs = 0
  /** Where blocks to load again were searched for, since a block was last delivered that followed the loaded ones. */
  #searched: Searched = 'nowhere'
  /** True until one group was inserted with looks: before that, other loaders may have tried its tokens. */
  #inDoubt = true

  constructor(options: PartitionLoaderOptions) {
    this.#options = options
  }

  get source(): BlockSource {
    return this.#options.source
  }

  /** The group assigned the partition (again). */
  assigned(): void {
    this.#searched = 'nowhere'
    this.#newestOffset = null
    this.#forget()
  }

  /**
   * The number up to which blocks are loaded, for a partition that has been silent for `silenceMs`; null where it was not
   * silent, or nothing is known.
   */
  silentAt(silenceMs: number): number | null {
    if (this.#isTaking || this.#stored === null || this.#newestOffset === null) return null
    return this.#options.clock.monotonicMs() - this.#tookAtMs >= silenceMs ? this.#loadedSeq : null
  }

  /**
   * ClickHouse has less than was loaded here, and perhaps no record comes that would show it. Returns the offset to be
   * delivered again, so that loading goes back; null where records came in the meantime.
   */
  goBackWhileSilent(): bigint | null {
    if (this.#isTaking || this.#newestOffset === null) return null
    this.#forget()
    return this.#newestOffset
  }

  /** Takes records in order. Throws `HaltError`; every other error is an outcome with the offset to continue from. */
  async take(records: readonly LogRecord[], session: BlockSession): Promise<BlockOutcome> {
    this.#isTaking = true
    try {
      return await this.#take(records, session)
    } finally {
      this.#isTaking = false
      this.#tookAtMs = this.#options.clock.monotonicMs()
    }
  }

  async #take(records: readonly LogRecord[], session: BlockSession): Promise<BlockOutcome> {
    const first = records[0]
    if (first === undefined) return { next: 'continue', openFrom: this.#gatherer.openOffset }
    let from = this.#gatherer.openOffset ?? first.offset
    try {
      this.#stored ??= await this.#askStore(session)
      for (const record of records) {
        if (isTick(record)) continue
        const block = toBlock(record)
        const known = { loadedSeq: this.#loadedSeq, missingThrough: this.#stored.missingThrough }
        if (this.#gatherer.isGap(block, known)) {
          const back = await this.#goBack(block, this.#stored, session)
          if (back !== null) return back
        } else {
          this.#searched = 'nowhere'
        }
        this.#checkHistory(block, this.#stored)
        for (const group of this.#gatherer.take(block, known)) {
          await this.#load(group, this.#stored, session)
          from = group.endOffset
          if (session.isEnding()) return this.#leftAt(from)
        }
      }
      return { next: 'continue', openFrom: this.#gatherer.openOffset }
    } catch (error) {
      const { source, logger } = this.#options
      if (error instanceof ClickhouseRefused) {
        throw new HaltError(
          'block_refused',
          `ClickHouse refused a block of ${source.topic}[${source.partition}]: ${error.message}`,
          'Mend the table or the server (npm run migrate), then restart the loader; the block is kept 30 days.',
        )
      }
      // Whatever happened, nothing of the open group is known to be loaded, and its records must come again.
      this.#forget()
      if (error instanceof HaltError) throw error
      const isDoubt =
        error instanceof ClickhouseAway || error instanceof SessionInDoubt || error instanceof StoreMoved
      if (!isDoubt) {
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
    this.#stored = null
    this.#inDoubt = true
  }

  /** What ClickHouse holds of the partition. Throws `HaltError` where this log is not what filled it. */
  async #askStore(session: BlockSession): Promise<StoredMark> {
    const { store, source, installationId } = this.#options
    const stored = await this.#withHeartbeats(store.mark(source), session)
    const foreign = foreignStore(installationId, stored)
    if (foreign !== null) throw foreign
    if (stored.blocksEnd > 0n) {
      const misfit = logMisfit(placeOf(source), (await ofLog(session.logRange())).end, stored)
      if (misfit !== null) throw misfit
    }
    this.#loadedSeq = stored.seq
    this.#showWatermark(stored.watermarkMs)
    return stored
  }

  /**
   * The tables have less than was loaded before `block`. Returns the offset in the log to continue from, or null where the
   * whole log was searched. The note that is written first makes every loader look at each group up to there: its tokens
   * may be known although its rows are not there.
   */
  async #goBack(block: Block, stored: StoredMark, session: BlockSession): Promise<BlockOutcome | null> {
    const { store, source, metrics, logger } = this.#options
    for (const place of placesToSearch(this.#searched, stored)) {
      const isFirst = place === 'from_watermark'
      const offset = isFirst
        ? await ofLog(session.offsetAt(stored.watermarkMs - RELOAD_MARGIN_MS))
        : (await ofLog(session.logRange())).start
      if (offset >= block.offset) continue
      await this.#withHeartbeats(store.noteReload(source, block.seq), session)
      // Only now: a search without an answer is repeated.
      this.#searched = place
      metrics.count('hivemeter_loader_reloads_total')
      logger.warn(
        { ...source, loadedSeq: stored.seq, reloadThrough: block.seq, offset: offset.toString() },
        'ClickHouse has less than was loaded before: it was put back from an older copy. Its blocks are loaded again from the log',
      )
      this.#forget()
      return { next: 'again', offset, restMs: 0 }
    }
    return null
  }

  /** The first block that is not loaded yet must follow what the tables hold; otherwise the log is another one. */
  #checkHistory(block: Block, stored: StoredMark): void {
    if (block.seq !== stored.seq + 1) return
    const misfit = historyMisfit(placeOf(this.#options.source), block.after, stored)
    if (misfit !== null) throw misfit
  }

  async #load(group: Group, stored: StoredMark, session: BlockSession): Promise<void> {
    const { metrics, source } = this.#options
    const isLoaded = this.#loadedSeq >= group.lastSeq
    const inserts = insertsOf(group)
    if (isLoaded) {
      for (const { table } of inserts) this.#count(table, 'present')
    } else {
      await this.#checkStore(session)
      for (const insert of inserts) await this.#insertOnce(insert, session)
      this.#loadedSeq = group.lastSeq
      this.#inDoubt = group.firstSeq <= stored.reloadThrough
      const left = Math.max(0, stored.reloadThrough - group.lastSeq)
      metrics.set('hivemeter_loader_reload_blocks', source, left)
    }
    await this.#options.failpoint('before_offset_commit')
    // This is the last block itself, not the one after it: the next owner of the partition then gets a number that was
    // loaded, and sees at once whether ClickHouse still has it. A task that waits for an older ClickHouse writes no other
    // block.
    this.#newestOffset = group.endOffset - 1n
    session.commit(this.#newestOffset)
    metrics.count('hivemeter_loader_groups_total')
    this.#showWatermark(watermarkIn(group))
  }

  /**
   * A group is inserted only into tables that hold everything before it: otherwise a server that was replaced by an older
   * copy between two groups would never show what it lacks.
   */
  async #checkStore(session: BlockSession): Promise<void> {
    const { store, source } = this.#options
    const seq = await this.#withHeartbeats(store.loadedSeq(source), session)
    if (seq === this.#loadedSeq) return
    throw new StoreMoved(`${placeOf(source)} is loaded up to ${seq}, and was up to ${this.#loadedSeq}.`)
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
      (clock.monotonicMs() - beginMs) / SECOND_MS,
    )
  }

  /** Sends heartbeats while ClickHouse works. A rebalance waits for its end, so that no INSERT is left behind. */
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

  /** Zero or null: nothing is known. */
  #showWatermark(watermarkMs: number | null): void {
    const { metrics, source } = this.#options
    if (watermarkMs) metrics.set('hivemeter_watermark_timestamp_seconds', source, watermarkMs / SECOND_MS)
  }

  #count(table: string, outcome: 'ok' | 'present' | 'repeated' | 'phantom'): void {
    this.#options.metrics.count('hivemeter_clickhouse_inserts_total', { table, outcome })
  }
}

/** Where blocks to load again have not been searched for yet. */
function placesToSearch(searched: Searched, { watermarkMs }: StoredMark): readonly Searched[] {
  if (searched === 'from_start') return []
  return searched === 'nowhere' && watermarkMs > 0 ? ['from_watermark', 'from_start'] : ['from_start']
}

function placeOf({ topic, partition }: BlockSource): string {
  return `${topic}[${partition}]`
}

/** What the log reports about itself. Without an answer the partition rests, as it does without ClickHouse. */
async function ofLog<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw new SessionInDoubt('Kafka does not say what the log holds.', { cause: error })
  }
}

/** The token is the same for every loader of the group, at any time. The successor of a phantom has a suffix. */
function tokenOf({ topic, partition }: BlockSource, insert: Insert, phantoms: number): string {
  const token = `${topic}/${partition}/${insert.table}/${insert.month}/${insert.firstSeq}`
  return phantoms === 0 ? token : `${token}-r${phantoms}`
}
