import type { Clock } from '../../clock.ts'
import type { TopicAppend } from '../../log/records.ts'
import { meaningOf } from './answer-meaning.ts'
import { RETRY_PAUSE_MS_MAX, placeKey } from './attempts.ts'
import { SequencedProducer } from './sequenced-producer.ts'
import { Unanswered } from './wire.ts'
import type { Answer, BrokerId, Place, ProduceWire, TransactionIdentity } from './wire.ts'

/** The broker aborts a transaction that is open for longer: a dead task delays its readers no longer than this. */
export const TRANSACTION_TIMEOUT_MS = 10_000

/** A transaction that is not complete by then is given up: its coordinator is about to abort it. */
export const TRANSACTION_PATIENCE_MS = 9_000

/** A new epoch may wait for a coordinator that moves: Kafka's own failover takes up to 9 s (broker.session.timeout.ms). */
export const INIT_PATIENCE_MS = 13_000

/** The first pause before a coordinator is tried again; back-to-back transactions meet CONCURRENT_TRANSACTIONS. */
const COORDINATOR_PAUSE_MS = 10

/**
 * A coordinator that has answered "later" for this long is not tried again before its cluster is queried for the
 * coordinator: one that is cut off from the others waits for them, and does not know that it was replaced. The same holds
 * for one that has not answered anything for this long: an answer to EndTxn that does not come ends in a fence, which takes
 * seconds.
 */
export const COORDINATOR_DOUBT_MS = 1_500

/**
 * A coordinator that hung is not tried again for this long while it is still named: connecting to it takes seconds, in
 * which a newly chosen one would not be noticed. One that refuses a connection does so at once.
 */
export const HUNG_COORDINATOR_MS = 3_000

/**
 * The outcome of a transaction, or of its beginning, is not known, or the producer was fenced: the caller must fence
 * anew.
 */
export class TransactionError extends Error {
  /** Kafka's name of the error in the answer; null where there was no answer. */
  readonly type: string | null

  constructor(message: string, type: string | null, options?: ErrorOptions) {
    super(message, options)
    this.type = type
  }
}

export interface TransactionSessionOptions {
  readonly wire: ProduceWire
  readonly clock: Clock
  readonly transactionalId: string
}

/**
 * The producer of one transactional id: one epoch, one transaction at a time. Partitions are added to a transaction before
 * anything is produced to them, by a separate request. After any rejection the session must be discarded.
 */
export class TransactionSession {
  readonly #options: TransactionSessionOptions
  #coordinator: BrokerId | undefined
  /** When the coordinator was named, or answered last. */
  #heardMs = 0
  #hung: { readonly broker: BrokerId; readonly untilMs: number } | undefined
  #identity: TransactionIdentity | undefined
  #producer: SequencedProducer | undefined
  /** Places that the transaction under way writes to. */
  #places = new Set<string>()
  #deadlineMs = 0
  #isClosed = false

  constructor(options: TransactionSessionOptions) {
    this.#options = options
  }

  /** Begins a transaction; the first call takes the id's next epoch, which fences every older owner. */
  async begin(): Promise<void> {
    const { wire, clock, transactionalId } = this.#options
    if (this.#identity === undefined) {
      this.#deadlineMs = clock.monotonicMs() + INIT_PATIENCE_MS
      const identity = await this.#askCoordinator('InitProducerId', true, (coordinator) =>
        wire.initTransactions(coordinator, transactionalId, TRANSACTION_TIMEOUT_MS),
      )
      this.#identity = { ...identity, transactionalId }
      this.#producer = new SequencedProducer({ wire, clock, identity, transactionalId })
    }
    this.#places = new Set()
    this.#deadlineMs = clock.monotonicMs() + TRANSACTION_PATIENCE_MS
  }

  /** Appends within the transaction. Returns the offset of each record, in the order given. */
  async send(records: readonly TopicAppend[]): Promise<readonly bigint[]> {
    await this.#addPlaces(records)
    const { clock } = this.#options
    const outcomes = this.#begun.producer.send(records, this.#deadlineMs - clock.monotonicMs())
    const next = new Map<string, bigint>()
    for (const [key, outcome] of outcomes) {
      const settled = await outcome
      if (settled.is !== 'acknowledged') {
        throw new TransactionError(
          `Kafka did not acknowledge a batch for ${key}: ${settled.error}`,
          settled.error,
        )
      }
      next.set(key, settled.baseOffset)
    }
    return records.map((record) => {
      const key = placeKey(record)
      const offset = next.get(key)
      if (offset === undefined) throw new TransactionError(`No offset was given for ${key}.`, null)
      next.set(key, offset + 1n)
      return offset
    })
  }

  /**
   * Commits. A request whose answer is lost may still take effect, and is not repeated: it could end the next
   * transaction.
   */
  async commit(): Promise<void> {
    if (this.#places.size === 0) return
    const { identity } = this.#begun
    await this.#askCoordinator('EndTxn', false, (coordinator) =>
      this.#options.wire.commitTransaction(coordinator, identity),
    )
  }

  /** What is under way ends with an unknown outcome. The caller closes the wire. */
  close(): void {
    this.#isClosed = true
    this.#producer?.close()
  }

  get #begun(): { readonly identity: TransactionIdentity; readonly producer: SequencedProducer } {
    if (this.#identity === undefined || this.#producer === undefined) {
      throw new Error('No transaction has begun.')
    }
    return { identity: this.#identity, producer: this.#producer }
  }

  async #addPlaces(records: readonly TopicAppend[]): Promise<void> {
    const added = new Map<string, Place>()
    for (const { topic, partition } of records) {
      const key = placeKey({ topic, partition })
      if (!this.#places.has(key)) added.set(key, { topic, partition })
    }
    if (added.size === 0) return
    const { identity } = this.#begun
    await this.#askCoordinator('AddPartitionsToTxn', true, (coordinator) =>
      this.#options.wire.addPartitions(coordinator, identity, [...added.values()]),
    )
    for (const key of added.keys()) this.#places.add(key)
  }

  /**
   * Tries until there is a final answer, at most until the deadline. `repeatable`: the request is also repeated after a
   * lost answer.
   */
  async #askCoordinator<T>(
    request: string,
    repeatable: boolean,
    ask: (coordinator: BrokerId) => Promise<Answer<T>>,
  ): Promise<T> {
    const { clock } = this.#options
    let foundMs = clock.monotonicMs()
    for (let pauseMs = COORDINATOR_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, RETRY_PAUSE_MS_MAX)) {
      const said = await this.#askOnce(repeatable, ask)
      if (said.error === null) return said.value
      const { meaning } = meaningOf(said.error)
      const isDoubted = meaning === 'asked_later' && clock.monotonicMs() - foundMs >= COORDINATOR_DOUBT_MS
      if (meaning === 'asked_elsewhere' || said.isLost || isDoubted) {
        this.#coordinator = undefined
        foundMs = clock.monotonicMs()
      }
      const mayAsk = said.isLost ? said.mayRepeat : meaning === 'asked_elsewhere' || meaning === 'asked_later'
      if (!mayAsk || this.#isClosed || clock.monotonicMs() + pauseMs >= this.#deadlineMs) {
        throw new TransactionError(`${request} was not done: ${said.error}`, said.isLost ? null : said.error)
      }
      await clock.delay(pauseMs)
    }
  }

  async #askOnce<T>(
    repeatable: boolean,
    ask: (coordinator: BrokerId) => Promise<Answer<T>>,
  ): Promise<
    | { readonly error: null; readonly value: T }
    | { readonly error: string; readonly isLost: boolean; readonly mayRepeat: boolean }
  > {
    const { wire, clock, transactionalId } = this.#options
    let sentTo: BrokerId | undefined
    let sentMs = 0
    try {
      if (clock.monotonicMs() - this.#heardMs >= COORDINATOR_DOUBT_MS) this.#coordinator = undefined
      if (this.#coordinator === undefined) {
        const found = await wire.findCoordinator(transactionalId)
        if (!('value' in found)) return { error: found.error, isLost: false, mayRepeat: true }
        const isHung = found.value === this.#hung?.broker && clock.monotonicMs() < this.#hung.untilMs
        if (isHung) return { error: 'GROUP_COORDINATOR_NOT_AVAILABLE', isLost: false, mayRepeat: true }
        this.#coordinator = found.value
        this.#heardMs = clock.monotonicMs()
      }
      sentTo = this.#coordinator
      sentMs = clock.monotonicMs()
      const answer = await ask(sentTo)
      this.#heardMs = clock.monotonicMs()
      return 'value' in answer ? answer : { error: answer.error, isLost: false, mayRepeat: true }
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
      const nowMs = clock.monotonicMs()
      if (sentTo !== undefined && nowMs - sentMs >= COORDINATOR_DOUBT_MS) {
        this.#hung = { broker: sentTo, untilMs: nowMs + HUNG_COORDINATOR_MS }
      }
      const mayRepeat = repeatable || sentTo === undefined || !error.wasSent
      return { error: error.message, isLost: true, mayRepeat }
    }
  }
}
