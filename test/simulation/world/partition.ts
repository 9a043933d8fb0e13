import type { ProduceBatch } from '../../../pipelines/kafka/produce/wire.ts'
import type { Brokers } from './brokers.ts'
import { PartitionLog } from './partition-log.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Timeline } from './timeline.ts'

/** The outcome of a batch: where it is in the log, or why it is not. */
export interface Appended {
  readonly error: string | null
  readonly baseOffset: bigint
  readonly timestampMs: number
}

export const refused = (error: string): Appended => ({ error, baseOffset: -1n, timestampMs: -1 })

/** What the log knows about a producer. Every new leader has it with the log. */
interface ProducerState {
  epoch: number
  /** The newest batches, oldest first: a repeat of one of them gets the same answer. */
  readonly batches: { readonly sequence: number; readonly count: number; readonly appended: Appended }[]
}

interface Waiting {
  readonly batch: ProduceBatch
  readonly appended: Promise<Appended>
  readonly resolve: (appended: Appended) => void
  isDue: boolean
}

/** Batches of a producer that Kafka remembers. */
const BATCHES_REMEMBERED = 5
const SEQUENCES = 2 ** 31

export interface PartitionOptions {
  readonly name: string
  readonly partition: number
  readonly timeline: Timeline
  readonly random: SeededRandom
  readonly brokers: Brokers
  /** How long the replicas take to follow. */
  readonly replicaMs: () => number
  /** Guards that a test may take away. */
  readonly without: { readonly idempotence: boolean; readonly fences: boolean }
  readonly onAppended: () => void
}

/**
 * A partition as its leader serves it. A batch is in the log once all replicas in sync have it. When the leadership
 * moves, waiting batches from some batch on are lost and those before it are kept, and no client learns which.
 */
export class Partition {
  readonly name: string
  readonly log: PartitionLog
  readonly #options: PartitionOptions
  readonly #producers = new Map<bigint, ProducerState>()
  readonly #waiting: Waiting[] = []

  constructor(options: PartitionOptions) {
    this.name = options.name
    this.log = new PartitionLog(options.partition)
    this.#options = options
  }

  /** The leader takes the batch: it appends it, knows it already, or refuses it. */
  produce(batch: ProduceBatch): Appended | Promise<Appended> {
    const { brokers, timeline, replicaMs } = this.#options
    if (brokers.isShort) return refused('NOT_ENOUGH_REPLICAS')
    const known = this.#known(batch)
    if (known !== undefined) return known
    const delayMs = replicaMs()
    if (delayMs === 0 && this.#waiting.length === 0 && brokers.canReplicate) return this.#append(batch)
    const { promise: appended, resolve } = Promise.withResolvers<Appended>()
    const waiting: Waiting = { batch, appended, resolve, isDue: false }
    this.#waiting.push(waiting)
    timeline.after(delayMs, () => {
      waiting.isDue = true
      this.replicate()
    })
    return appended
  }

  /** True: a marker may be written now, after all that came before. */
  get canMark(): boolean {
    const { brokers } = this.#options
    return this.#waiting.length === 0 && brokers.isServed(this.name) && brokers.canReplicate
  }

  /** The marker that ends a producer's transaction. An older epoch of the producer is refused from then on. */
  mark(producerId: bigint, epoch: number, end: 'committed' | 'aborted'): void {
    this.log.mark(producerId, end, this.#options.timeline.nowMs)
    const state = this.#producers.get(producerId)
    if (state === undefined || state.epoch >= epoch) return
    state.epoch = epoch
    state.batches.length = 0
  }

  /** What the replicas have by now becomes part of the log. */
  replicate(): void {
    const { brokers } = this.#options
    for (;;) {
      const [first] = this.#waiting
      if (first === undefined || !first.isDue || !brokers.isServed(this.name) || !brokers.canReplicate) return
      this.#waiting.shift()
      first.resolve(this.#append(first.batch))
    }
  }

  /** Another broker leads: it has the first so many of the batches that waited for the replicas, and the others are lost. */
  moved(): void {
    const kept = this.#options.random.int(0, this.#waiting.length)
    for (const [index, { batch, resolve }] of this.#waiting.splice(0).entries()) {
      if (index < kept) this.#append(batch)
      resolve(refused('NOT_LEADER_FOR_PARTITION'))
    }
  }

  /** What is known about the batch before it is appended; nothing where it is new and in sequence. */
  #known(batch: ProduceBatch): Appended | Promise<Appended> | undefined {
    const { without } = this.#options
    if (without.idempotence) return undefined
    const { producerId, epoch } = batch.producer
    const state = this.#producers.get(producerId)
    if (state !== undefined && epoch < state.epoch && !without.fences)
      return refused('INVALID_PRODUCER_EPOCH')
    const under = this.#waiting.filter(
      (waiting) => waiting.batch.producer.producerId === producerId && waiting.batch.producer.epoch === epoch,
    )
    const repeated = under.find((waiting) => waiting.batch.baseSequence === batch.baseSequence)
    if (repeated !== undefined) return repeated.appended
    const batches = state !== undefined && state.epoch === epoch ? state.batches : []
    const done = batches.find(({ sequence }) => sequence === batch.baseSequence)
    if (done !== undefined) return done.appended
    const last = batches.at(-1)
    const newest = under.at(-1)?.batch
    const expected =
      newest === undefined
        ? last && after(last.sequence, last.count)
        : after(newest.baseSequence, newest.records.length)
    // From a producer that it does not know Kafka takes any number; with a new epoch only the first.
    const isInOrder =
      expected === undefined
        ? state === undefined || state.epoch === epoch || batch.baseSequence === 0
        : batch.baseSequence === expected
    return isInOrder || without.fences ? undefined : refused('OUT_OF_ORDER_SEQUENCE_NUMBER')
  }

  #append(batch: ProduceBatch): Appended {
    const { timeline, onAppended } = this.#options
    const { producerId, epoch } = batch.producer
    const transaction = batch.transactionalId === null ? null : producerId
    const timestampMs = timeline.nowMs
    const baseOffset = this.log.append(batch.records, timestampMs, transaction)
    const appended = { error: null, baseOffset, timestampMs }
    let state = this.#producers.get(producerId)
    if (state === undefined || state.epoch !== epoch) {
      this.#producers.set(producerId, (state = { epoch, batches: [] }))
    }
    state.batches.push({ sequence: batch.baseSequence, count: batch.records.length, appended })
    if (state.batches.length > BATCHES_REMEMBERED) state.batches.shift()
    onAppended()
    return appended
  }
}

const after = (sequence: number, count: number): number => (sequence + count) % SEQUENCES
