import type { Random } from '../../pipelines/random.ts'
import { Group } from './groups.ts'
import type { GroupOptions } from './groups.ts'
import { PartitionLog } from './partition-log.ts'
import type { Fetched, Sent } from './partition-log.ts'
import type { Timeline } from './timeline.ts'
import { BrokerRefusal, Transactions } from './transactions.ts'
import type { ProducerEpoch } from './transactions.ts'

/** A place on the broker, as "topic/partition". */
export const placeOf = (topic: string, partition: number): string => `${topic}/${partition}`

/** What a producer sends to one partition; `sequence` numbers its records there, so that a repeat is known as one. */
export interface ProduceBatch {
  readonly topic: string
  readonly partition: number
  readonly sequence: number
  readonly records: readonly Sent[]
}

interface Sequence {
  epoch: number
  next: number
  lastBase: bigint
  lastSequence: number
}

export interface BrokerOptions {
  readonly timeline: Timeline
  readonly random: Random
  /** How long after the end of a transaction each marker is written. */
  readonly markerMs: () => number
}

/** What a fetch asks of one partition. */
export interface FetchPlace {
  readonly topic: string
  readonly partition: number
  readonly from: bigint
}

/** Kafka in memory: logs, transactions, groups. Every method is one request, done at once; time comes from the timeline. */
export class MemoryBroker {
  readonly transactions: Transactions
  readonly #timeline: Timeline
  readonly #random: Random
  readonly #logs = new Map<string, PartitionLog>()
  readonly #groups = new Map<string, Group>()
  readonly #sequences = new Map<string, Sequence>()
  #fetchers: (() => void)[] = []
  #nextProducerId = 1

  /** Guards that a test may take away, to show that the simulation sees what they are good for. */
  readonly without = { idempotence: false, readCommitted: false }

  constructor(options: BrokerOptions) {
    this.#timeline = options.timeline
    this.#random = options.random
    this.transactions = new Transactions(options.timeline, options.markerMs, () => this.#wakeFetchers())
  }

  log(topic: string, partition: number): PartitionLog {
    const place = placeOf(topic, partition)
    let log = this.#logs.get(place)
    if (log === undefined) this.#logs.set(place, (log = new PartitionLog(partition)))
    return log
  }

  group(id: string, options: GroupOptions): Group {
    let group = this.#groups.get(id)
    if (group === undefined) this.#groups.set(id, (group = new Group(options, this.#timeline, this.#random)))
    return group
  }

  /** What a group's coordinator holds for a place. */
  groupOffset(groupId: string, place: string): bigint | undefined {
    return this.#groups.get(groupId)?.offsets.get(place)
  }

  /** The group's offsets are gone, as after their retention. */
  forgetOffsets(groupId: string): void {
    this.#groups.get(groupId)?.offsets.clear()
  }

  /** A producer without transactions. */
  openProducer(): ProducerEpoch {
    return { producerId: this.#nextProducerId++, epoch: 0 }
  }

  /** Appends outside transactions; returns the base offset of each batch. */
  append(producer: ProducerEpoch, batches: readonly ProduceBatch[]): bigint[] {
    return batches.map((batch) => this.#appendOnce(producer, batch, null))
  }

  /** Appends within the producer's transaction, which it opens where none is. */
  produce(producer: ProducerEpoch, batches: readonly ProduceBatch[]): bigint[] {
    return batches.map((batch) => {
      this.transactions.add(producer, this.log(batch.topic, batch.partition))
      return this.#appendOnce(producer, batch, producer.producerId)
    })
  }

  /**
   * Up to `recordsMax` records of each place, committed ones only. Where there are none it waits for the first, or for
   * `waitMs`. Rejects with `OffsetOutOfRange`.
   */
  async fetch(
    places: readonly FetchPlace[],
    recordsMax: () => number,
    waitMs: number,
  ): Promise<(Fetched & FetchPlace)[]> {
    const untilMs = this.#timeline.nowMs + waitMs
    for (;;) {
      const fetched = places.flatMap((place) => {
        const log = this.log(place.topic, place.partition)
        const found = log.fetch(place.from, recordsMax(), this.without.readCommitted)
        return found === null ? [] : [{ ...found, ...place }]
      })
      if (fetched.length > 0 || this.#timeline.nowMs >= untilMs) return fetched
      const { promise, resolve } = Promise.withResolvers<void>()
      const timeout = this.#timeline.after(untilMs - this.#timeline.nowMs, resolve)
      this.#fetchers.push(() => {
        timeout.isCancelled = true
        resolve()
      })
      await promise
    }
  }

  #appendOnce(producer: ProducerEpoch, batch: ProduceBatch, transaction: number | null): bigint {
    const { producerId, epoch } = producer
    const log = this.log(batch.topic, batch.partition)
    const key = `${producerId} ${placeOf(batch.topic, batch.partition)}`
    let known = this.#sequences.get(key)
    if (known === undefined || known.epoch < epoch) {
      known = { epoch, next: 0, lastBase: 0n, lastSequence: -1 }
      this.#sequences.set(key, known)
    }
    if (!this.without.idempotence) {
      if (epoch < known.epoch && this.transactions.fences) throw new BrokerRefusal('INVALID_PRODUCER_EPOCH')
      if (batch.sequence === known.lastSequence && epoch === known.epoch) return known.lastBase
      if (batch.sequence !== known.next && this.transactions.fences) {
        throw new BrokerRefusal('OUT_OF_ORDER_SEQUENCE_NUMBER')
      }
    }
    known.lastBase = log.append(batch.records, this.#timeline.nowMs, transaction)
    known.lastSequence = batch.sequence
    known.next = batch.sequence + batch.records.length
    this.#wakeFetchers()
    return known.lastBase
  }

  #wakeFetchers(): void {
    const waiting = this.#fetchers
    this.#fetchers = []
    // Each on its own turn: what follows from one fetch is over before the next is answered.
    for (const wake of waiting) this.#timeline.after(0, wake)
  }
}
