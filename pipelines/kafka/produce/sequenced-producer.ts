import type { Clock } from '../../clock.ts'
import type { TopicAppend } from '../../log/records.ts'
import { Attempts } from './attempts.ts'
import type { Attempt, BatchOutcome } from './attempts.ts'
import { Unanswered } from './wire.ts'
import type { ProduceBatch, ProducerIdentity, ProduceWire } from './wire.ts'

/** A batch that has been open for this long has its leader queried again and again: its broker may be hung or cut off. */
export const SLOW_BATCH_MS = 1_000

/**
 * If no broker has answered for this long, leaders are queried before anything is sent: a leader that hangs costs
 * seconds.
 */
export const LEADERS_DOUBT_MS = 1_500

/** Least time between two queries for leaders. */
export const LEADERS_INTERVAL_MS = 200

/** Sequence numbers are INT32 and continue at 0. */
const SEQUENCES = 2 ** 31

export interface SequencedProducerOptions {
  readonly wire: ProduceWire
  readonly clock: Clock
  readonly identity: ProducerIdentity
  readonly transactionalId: string | null
  /** The first number on every partition; 0 unless a test sets another. */
  readonly firstSequence?: number
}

/**
 * Sends the batches of one producer id over a cluster, each partition independently: a broker that hangs delays only the
 * partitions that it leads. After any outcome but "acknowledged" the partition's numbers cannot be used any more: nothing
 * more may be sent there under this id (the broker could consider the next batch a repeat, or refuse it).
 */
export class SequencedProducer {
  readonly #options: SequencedProducerOptions
  readonly #attempts = new Attempts()
  readonly #next = new Map<string, number>()
  #timer: { readonly atMs: number; readonly over: AbortController } | undefined
  #leadersQueriedMs = Number.NEGATIVE_INFINITY
  /** When leaders were last named, or a leader last answered. */
  #heardMs = Number.NEGATIVE_INFINITY
  #isQueryingLeaders = false

  constructor(options: SequencedProducerOptions) {
    this.#options = options
  }

  /**
   * Sends the records, those of one place in their order and in one batch. Returns the outcome of each place, which comes
   * within `timeoutMs`; never rejects. Throws where a place has a batch under way.
   */
  send(records: readonly TopicAppend[], timeoutMs: number): ReadonlyMap<string, Promise<BatchOutcome>> {
    const nowMs = this.#options.clock.monotonicMs()
    const outcomes = new Map<string, Promise<BatchOutcome>>()
    for (const [key, batch] of this.#batches(records)) {
      const { promise, resolve } = Promise.withResolvers<BatchOutcome>()
      this.#attempts.add(batch, nowMs, nowMs + timeoutMs, resolve)
      this.#next.set(key, (batch.baseSequence + batch.records.length) % SEQUENCES)
      outcomes.set(key, promise)
    }
    this.#step()
    return outcomes
  }

  /** Batches that are not settled. */
  get size(): number {
    return this.#attempts.size
  }

  /** Settles what is under way as unknown, or as not stored where none of it was sent. */
  close(): void {
    this.#attempts.giveUp('the producer was closed')
    this.#timer?.over.abort()
  }

  #batches(records: readonly TopicAppend[]): Map<string, ProduceBatch> {
    const { identity, transactionalId, firstSequence = 0 } = this.#options
    const batches = new Map<string, ProduceBatch & { readonly records: TopicAppend[] }>()
    for (const record of records) {
      const { topic, partition } = record
      const key = `${topic}/${partition}`
      const batch = batches.get(key)
      if (batch === undefined) {
        const baseSequence = this.#next.get(key) ?? firstSequence
        batches.set(key, {
          topic,
          partition,
          producer: identity,
          transactionalId,
          baseSequence,
          records: [record],
        })
      } else batch.records.push(record)
    }
    return batches
  }

  /** Does what is due now, and sets a timer for what is due later. */
  #step(): void {
    const { clock, wire } = this.#options
    const nowMs = clock.monotonicMs()
    this.#attempts.expire(nowMs)
    if (this.#attempts.size === 0) return
    const isDoubted = nowMs - this.#heardMs >= LEADERS_DOUBT_MS
    for (const attempt of this.#attempts.begin(nowMs, (place) => (isDoubted ? null : wire.leaderOf(place)))) {
      void this.#request(attempt)
    }
    const topics = this.#attempts.leadersWanted(nowMs - SLOW_BATCH_MS)
    const queryAtMs = this.#leadersQueriedMs + LEADERS_INTERVAL_MS
    if (topics.length > 0 && !this.#isQueryingLeaders && queryAtMs <= nowMs) void this.#queryLeaders(topics)
    const wakeAtMs = this.#attempts.wakeAtMs() ?? Number.POSITIVE_INFINITY
    const looksAtMs = topics.length > 0 ? Math.max(queryAtMs, nowMs + 1) : nowMs + SLOW_BATCH_MS
    this.#wakeAt(Math.min(wakeAtMs, this.#isQueryingLeaders ? wakeAtMs : looksAtMs))
  }

  async #request(attempt: Attempt): Promise<void> {
    const { wire, clock } = this.#options
    try {
      const answers = await wire.produce(attempt.broker, attempt.batches)
      this.#heardMs = clock.monotonicMs()
      this.#attempts.answered(attempt, answers, this.#heardMs)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (error instanceof Unanswered)
        this.#attempts.unanswered(attempt, error.wasSent, reason, clock.monotonicMs())
      else this.#attempts.giveUp(reason)
    }
    this.#step()
  }

  async #queryLeaders(topics: readonly string[]): Promise<void> {
    const { wire, clock } = this.#options
    this.#isQueryingLeaders = true
    const queriedMs = clock.monotonicMs()
    this.#leadersQueriedMs = queriedMs
    try {
      await wire.refreshLeaders(topics)
      this.#heardMs = clock.monotonicMs()
      this.#attempts.leadersHeard(topics, queriedMs, this.#heardMs, (place) => wire.leaderOf(place))
    } catch (error) {
      if (!(error instanceof Unanswered)) {
        this.#attempts.giveUp(error instanceof Error ? error.message : String(error))
      }
    }
    this.#isQueryingLeaders = false
    this.#step()
  }

  #wakeAt(atMs: number): void {
    if (this.#timer !== undefined && this.#timer.atMs <= atMs) return
    this.#timer?.over.abort()
    const timer = { atMs, over: new AbortController() }
    this.#timer = timer
    const { clock } = this.#options
    void clock.delay(Math.max(0, atMs - clock.monotonicMs()), timer.over.signal).then(() => {
      if (this.#timer !== timer || timer.over.signal.aborted) return
      this.#timer = undefined
      this.#step()
    })
  }
}
