import type {
  BrokerId,
  Place,
  PlaceAnswer,
  ProduceBatch,
  ProduceWire,
} from '../../../pipelines/kafka/produce/wire.ts'
import { placeOf } from './cluster.ts'

/*
 * Wires without a guard: the code above them expects that a produce path keeps its rules, and each of these wires breaks
 * one rule unnoticed, as client libraries did.
 */

const keyOf = ({ topic, partition }: Place): string => placeOf(topic, partition)
const taken = ({ topic, partition }: Place): PlaceAnswer => ({
  topic,
  partition,
  error: null,
  baseOffset: -1n,
  logAppendTimeMs: 0,
})

/** All methods of a wire, to be changed in part. */
export function sameWire(wire: ProduceWire): ProduceWire {
  return {
    leaderOf: (place) => wire.leaderOf(place),
    refreshLeaders: (topics) => wire.refreshLeaders(topics),
    produce: (broker, batches) => wire.produce(broker, batches),
    findCoordinator: (id) => wire.findCoordinator(id),
    initProducer: () => wire.initProducer(),
    initTransactions: (coordinator, id, timeoutMs) => wire.initTransactions(coordinator, id, timeoutMs),
    addPartitions: (coordinator, transaction, places) => wire.addPartitions(coordinator, transaction, places),
    commitTransaction: (coordinator, transaction) => wire.commitTransaction(coordinator, transaction),
    close: () => wire.close(),
  }
}

/** The numbers of batches for a producer that sends some of them more than once, each time under a new number. */
class Numbering {
  readonly #given = new WeakMap<ProduceBatch, number>()
  readonly #shifts = new Map<string, number>()

  /** The batch under the number that it got first. */
  first(batch: ProduceBatch): ProduceBatch {
    const baseSequence = this.#given.get(batch) ?? batch.baseSequence + (this.#shifts.get(keyOf(batch)) ?? 0)
    this.#given.set(batch, baseSequence)
    return { ...batch, baseSequence }
  }

  /** The batch under the next number; the numbers of later batches move up. */
  again(batch: ProduceBatch): ProduceBatch {
    if (!this.#given.has(batch)) return this.first(batch)
    const key = keyOf(batch)
    this.#shifts.set(key, (this.#shifts.get(key) ?? 0) + batch.records.length)
    return { ...batch, baseSequence: batch.baseSequence + (this.#shifts.get(key) ?? 0) }
  }
}

/** Answers are remembered per broker: a partition that moves to a broker which has answered this send counts as sent. */
export function rememberingBrokers(wire: ProduceWire): ProduceWire {
  const tried = new WeakSet<ProduceBatch>()
  const answered = new Set<BrokerId>()
  return {
    ...sameWire(wire),
    produce: async (broker, batches) => {
      if (batches.every((batch) => tried.has(batch)) && answered.has(broker)) return batches.map(taken)
      if (batches.every((batch) => !tried.has(batch))) answered.clear()
      for (const batch of batches) tried.add(batch)
      const answers = await wire.produce(broker, batches)
      answered.add(broker)
      return answers
    },
  }
}

/** A retry has a number of its own, so that the broker does not recognise it as a retry. */
export function renumberingRetries(wire: ProduceWire): ProduceWire {
  const numbers = new Numbering()
  return {
    ...sameWire(wire),
    produce: (broker, batches) =>
      wire.produce(
        broker,
        batches.map((batch) => numbers.again(batch)),
      ),
  }
}

/** A partition that an answer does not name counts as acknowledged. */
export function believingSilence(wire: ProduceWire): ProduceWire {
  return {
    ...sameWire(wire),
    produce: async (broker, batches) => {
      const answers = await wire.produce(broker, batches)
      const named = new Set(answers.map(keyOf))
      return [...answers, ...batches.filter((batch) => !named.has(keyOf(batch))).map(taken)]
    },
  }
}

/** One producer id for ever, also after an unknown outcome: its numbers begin again with other records. */
export function keepingIdentity(wire: ProduceWire): ProduceWire {
  let kept: Awaited<ReturnType<ProduceWire['initProducer']>> | undefined
  return { ...sameWire(wire), initProducer: async () => (kept ??= await wire.initProducer()) }
}

/** When one broker says "not now", requests that are under way at others are sent once more, under the next number. */
class UnderWay {
  readonly #wire: ProduceWire
  readonly #numbers = new Numbering()
  readonly #batches = new Set<ProduceBatch>()

  constructor(wire: ProduceWire) {
    this.#wire = wire
  }

  async produce(broker: BrokerId, batches: readonly ProduceBatch[]): Promise<readonly PlaceAnswer[]> {
    for (const batch of batches) this.#batches.add(batch)
    try {
      return await this.#wire.produce(
        broker,
        batches.map((batch) => this.#numbers.first(batch)),
      )
    } finally {
      for (const batch of batches) this.#batches.delete(batch)
    }
  }

  sendAgain(): void {
    for (const batch of this.#batches) {
      const leader = this.#wire.leaderOf(batch)
      if (leader === null) continue
      this.#wire.produce(leader, [this.#numbers.again(batch)]).catch(() => {})
    }
  }
}

/** A retriable answer for one partition starts a retry of all, including those that are under way elsewhere. */
export function retryingAll(wire: ProduceWire): ProduceWire {
  const underWay = new UnderWay(wire)
  return {
    ...sameWire(wire),
    produce: async (broker, batches) => {
      const answers = await underWay.produce(broker, batches)
      if (answers.some(({ error }) => error !== null)) underWay.sendAgain()
      return answers
    },
  }
}

/**
 * Partitions are added within the send, broker by broker, and "not now" to one of these requests starts the whole send
 * again.
 */
export function addingWithinSends(wire: ProduceWire): ProduceWire {
  const underWay = new UnderWay(wire)
  let add: ((places: readonly Place[]) => Promise<void>) | undefined
  return {
    ...sameWire(wire),
    addPartitions: async (coordinator, transaction) => {
      add = async (places) => {
        const answer = await wire.addPartitions(coordinator, transaction, places)
        if (answer.error !== 'CONCURRENT_TRANSACTIONS') return
        underWay.sendAgain()
        await add?.(places)
      }
      return { error: null, value: null }
    },
    produce: async (broker, batches) => {
      await add?.(batches)
      return await underWay.produce(broker, batches)
    },
  }
}
