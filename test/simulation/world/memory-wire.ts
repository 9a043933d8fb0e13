import type {
  Answer,
  BrokerId,
  Place,
  PlaceAnswer,
  ProduceBatch,
  ProduceWire,
  ProducerIdentity,
  TransactionIdentity,
} from '../../../pipelines/kafka/produce/wire.ts'
import {
  COORDINATOR_TIMEOUT_MS,
  LOOK_UP_TIMEOUT_MS,
  PRODUCE_TIMEOUT_MS,
} from '../../../pipelines/kafka/kafkajs/kafkajs-wire.ts'
import { Unanswered } from '../../../pipelines/kafka/produce/wire.ts'
import { placeOf } from './cluster.ts'
import type { MemoryCluster } from './cluster.ts'
import type { FateEnd, RequestKind } from './fate.ts'
import { NoAnswer } from './process.ts'
import type { Line, SimProcess } from './process.ts'
import type { SeededRandom } from './seeded-random.ts'
import { BrokerRefusal } from './transactions.ts'

/** The timeouts of Kafka's wire. */
const TIMEOUTS_MS: Partial<Record<RequestKind, number>> = {
  append: PRODUCE_TIMEOUT_MS,
  produce: PRODUCE_TIMEOUT_MS,
  leaders: LOOK_UP_TIMEOUT_MS,
}

/** Answers for a partition whose batch was not appended. */
const RETRIABLE = ['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_ENOUGH_REPLICAS'] as const
/** Answers for a partition whose batch is in the log all the same. */
const DOUBTFUL = ['REQUEST_TIMED_OUT', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'] as const
/** How often a producer without an answer to its request is cut off from the cluster, and for how long at most. */
const CUT_OFF_SHARE = 0.5
const CUT_OFF_MS_MAX = 20_000
/** How often the brokers forget to mark a commit that is done and not answered. */
const FORGOTTEN_SHARE = 0.5

/** The requests of a process' producer to the cluster in memory. */
export class MemoryWire implements ProduceWire {
  readonly #process: SimProcess
  readonly #cluster: MemoryCluster
  readonly #random: SeededRandom
  readonly #leaders = new Map<string, BrokerId>()
  readonly #lines = new Map<BrokerId | null, Line>()
  readonly #closing = Promise.withResolvers<never>()
  #nextBroker = 0
  #isClosed = false
  /** True while no sent request arrives. */
  #isCutOff = false

  constructor(process: SimProcess, cluster: MemoryCluster, random: SeededRandom) {
    this.#process = process
    this.#cluster = cluster
    this.#random = random
    // It may be closed while no caller waits.
    this.#closing.promise.catch(() => {})
  }

  leaderOf({ topic, partition }: Place): BrokerId | null {
    return this.#leaders.get(placeOf(topic, partition)) ?? null
  }

  async refreshLeaders(topics: readonly string[]): Promise<void> {
    const { brokers } = this.#cluster
    const leaders = await this.#ask('leaders', null, () => {
      const leaderOf = brokers.news()
      return this.#cluster.placesOf(topics).map((place) => ({ place, leader: leaderOf(place) }))
    })
    for (const { place, leader } of leaders) this.#leaders.set(place, leader)
  }

  async produce(broker: BrokerId, batches: readonly ProduceBatch[]): Promise<readonly PlaceAnswer[]> {
    const kind = batches[0]?.transactionalId === null ? 'append' : 'produce'
    return await this.#ask(kind, broker, (end) => this.#produceAs(end, broker, batches))
  }

  async findCoordinator(transactionalId: string): Promise<Answer<BrokerId>> {
    return await this.#answer('leaders', null, () => this.#cluster.toldCoordinator(transactionalId))
  }

  async initProducer(): Promise<Answer<ProducerIdentity>> {
    const { ids } = this.#cluster.brokers
    const broker = ids[this.#nextBroker++ % ids.length] as BrokerId
    return await this.#answer('init', broker, () => this.#cluster.openProducer())
  }

  async initTransactions(
    coordinator: BrokerId,
    transactionalId: string,
    transactionTimeoutMs: number,
  ): Promise<Answer<ProducerIdentity>> {
    return await this.#coordinate('init', coordinator, transactionalId, () =>
      this.#cluster.transactions.init(transactionalId, transactionTimeoutMs),
    )
  }

  async addPartitions(
    coordinator: BrokerId,
    transaction: TransactionIdentity,
    places: readonly Place[],
  ): Promise<Answer<null>> {
    return await this.#coordinate('add', coordinator, transaction.transactionalId, () => {
      const partitions = places.map(({ topic, partition }) => this.#cluster.partition(topic, partition))
      this.#cluster.transactions.add(transaction, partitions)
      return null
    })
  }

  async commitTransaction(coordinator: BrokerId, transaction: TransactionIdentity): Promise<Answer<null>> {
    return await this.#coordinate('end', coordinator, transaction.transactionalId, (end) => {
      // A second request would get a good answer; the next transaction would then end this one too.
      const isForgotten = end === 'unanswered' && this.#random.chance(FORGOTTEN_SHARE)
      this.#cluster.transactions.commit(transaction, isForgotten)
      return null
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#closing.reject(new NoAnswer('the producer was closed'))
  }

  #produceAs(end: FateEnd, broker: BrokerId, batches: readonly ProduceBatch[]): Promise<PlaceAnswer[]> {
    const cluster = this.#cluster
    const random = this.#random
    if (end === 'partly') return cluster.produce(broker, batches.slice(0, 1))
    const chosen = end === 'answered' ? undefined : random.pick(batches)
    const isChosen = ({ topic, partition }: Place): boolean =>
      topic === chosen?.topic && partition === chosen.partition
    const refusal = (error: string): PlaceAnswer[] =>
      batches
        .filter(isChosen)
        .map(({ topic, partition }) => ({ topic, partition, error, baseOffset: -1n, logAppendTimeMs: -1 }))
    const isDone = end !== 'retriable' && (end !== 'left-out' || random.chance(0.5))
    const isTaken = (batch: ProduceBatch): boolean => isDone || !isChosen(batch)
    const answer = async (): Promise<PlaceAnswer[]> => {
      const answers = await cluster.produce(broker, batches.filter(isTaken))
      const given =
        end === 'left-out' || end === 'doubtful' ? answers.filter((one) => !isChosen(one)) : answers
      if (end === 'retriable') given.push(...refusal(random.pick(RETRIABLE)))
      if (end === 'doubtful') given.push(...refusal(random.pick(DOUBTFUL)))
      return given.length > 1 && random.chance(0.5) ? given.toReversed() : given
    }
    return answer()
  }

  async #coordinate<T>(
    kind: RequestKind,
    coordinator: BrokerId,
    transactionalId: string,
    apply: (end: FateEnd) => T,
  ): Promise<Answer<T>> {
    return await this.#answer(kind, coordinator, (end) =>
      this.#cluster.coordinate(coordinator, transactionalId, () => apply(end)),
    )
  }

  async #answer<T>(
    kind: RequestKind,
    broker: BrokerId | null,
    apply: (end: FateEnd) => T | Promise<T>,
  ): Promise<Answer<T>> {
    try {
      return { error: null, value: await this.#ask(kind, broker, apply) }
    } catch (error) {
      if (error instanceof BrokerRefusal) return { error: error.type }
      throw error
    }
  }

  /** A request on the connection to a broker, or to any broker that answers; requests of one connection arrive in order. */
  async #ask<T>(
    kind: RequestKind,
    broker: BrokerId | null,
    apply: (end: FateEnd) => T | Promise<T>,
  ): Promise<T> {
    const { brokers } = this.#cluster
    if (this.#isClosed || this.#isCutOff) {
      await this.#process.clock.delay(1)
      throw new Unanswered('the connection is gone', false)
    }
    const line = this.#lines.get(broker) ?? { freeAtMs: 0 }
    this.#lines.set(broker, line)
    const request = this.#process.request(
      kind,
      (end) => (broker === null ? apply(end) : brokers.serve(broker, () => apply(end))),
      { line, timeoutMs: TIMEOUTS_MS[kind] ?? COORDINATOR_TIMEOUT_MS },
    )
    try {
      return await Promise.race([request, this.#closing.promise])
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      // The next request comes on a new connection, and may overtake this one.
      if (error.isCut) this.#lines.delete(broker)
      if (error.end !== 'answered' && this.#random.chance(CUT_OFF_SHARE)) this.#cutOff()
      throw new Unanswered(error.message, error.wasSent)
    }
  }

  #cutOff(): void {
    this.#isCutOff = true
    void this.#process.clock.delay(this.#random.int(0, CUT_OFF_MS_MAX)).then(() => {
      this.#isCutOff = false
    })
  }
}
