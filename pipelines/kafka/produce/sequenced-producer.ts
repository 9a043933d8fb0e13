import type { Clock } from '../../clock.ts'
import type { TopicAppend } from '../../log/records.ts'
import { Attempts } from './attempts.ts'
import type { Attempt, BatchOutcome } from './attempts.ts'
import { Unanswered } from './wire.ts'
import type { ProduceBatch, ProducerIdentity, ProduceWire } from './wire.ts'

/** A batch that is open for so long has its leader asked for again and again: the broker it is at may be hung or cut off. */
export const SLOW_BATCH_MS = 1_000

/** Where no broker was heard of for so long, it is asked who leads before anything is sent: a leader that hangs takes seconds. */
export const LEADERS_DOUBT_MS = 1_500

/** Least time between two questions for leaders. */
export const LEADERS_INTERVAL_MS = 200

/** Sequences are INT32 and go on at 0. */
const SEQUENCES = 2 ** 31

export interface SequencedProducerOptions {
  readonly wire: ProduceWire
  readonly clock: Clock
  readonly identity: ProducerIdentity
  readonly transactionalId: string | null
  /** The first number on every partition; 0 unless a test asks for another. */
  readonly firstSequence?: number
}

/**
 * Sends the batches of one producer id over a cluster, each partition for itself: a broker that hangs holds up what it leads
 * and nothing else. After any outcome but "acknowledged" the partition's numbers are spent: nothing more may be sent there
 * under this id (the broker could take the next batch for a repeat, or refuse it).
 */
export class SequencedProducer {
  readonly #options: SequencedProducerOptions
  readonly #attempts = new Attempts()
  readonly #next = new Map<string, number>()
  #timer: { readonly atMs: number; readonly over: AbortController } | undefined
  #askedLeadersMs = Number.NEGATIVE_INFINITY
  /** When leaders were named, or one answered. */
  #heardMs = Number.NEGATIVE_INFINITY
  #isAskingLeaders = false

  constructor(options: SequencedProducerOptions) {
    this.#options = options
  }

  /**
   * Sends the records, those of one place in their order and in one batch. Gives the outcome of each place, within
   * `timeoutMs`; never rejects. Throws where a place has a batch under way.
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

  /** Settles what is under way as unknown, or as not stored where nothing of it was sent. */
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

  /** Does what is to be done now, and comes back when something will be. */
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
    const askAtMs = this.#askedLeadersMs + LEADERS_INTERVAL_MS
    if (topics.length > 0 && !this.#isAskingLeaders && askAtMs <= nowMs) void this.#askLeaders(topics)
    const wakeAtMs = this.#attempts.wakeAtMs() ?? Number.POSITIVE_INFINITY
    const looksAtMs = topics.length > 0 ? Math.max(askAtMs, nowMs + 1) : nowMs + SLOW_BATCH_MS
    this.#wakeAt(Math.min(wakeAtMs, this.#isAskingLeaders ? wakeAtMs : looksAtMs))
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

  async #askLeaders(topics: readonly string[]): Promise<void> {
    const { wire, clock } = this.#options
    this.#isAskingLeaders = true
    const askedMs = clock.monotonicMs()
    this.#askedLeadersMs = askedMs
    try {
      await wire.refreshLeaders(topics)
      this.#heardMs = clock.monotonicMs()
      this.#attempts.leadersHeard(topics, askedMs, this.#heardMs, (place) => wire.leaderOf(place))
    } catch (error) {
      if (!(error instanceof Unanswered)) {
        this.#attempts.giveUp(error instanceof Error ? error.message : String(error))
      }
    }
    this.#isAskingLeaders = false
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
