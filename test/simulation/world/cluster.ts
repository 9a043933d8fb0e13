import type {
  BrokerId,
  PlaceAnswer,
  ProduceBatch,
  ProducerIdentity,
} from '../../../pipelines/kafka/produce/wire.ts'
import { Brokers } from './brokers.ts'
import { Group } from './groups.ts'
import type { GroupOptions } from './groups.ts'
import { Partition, refused } from './partition.ts'
import type { Appended } from './partition.ts'
import type { Fetched, PartitionLog } from './partition-log.ts'
import { PARTITIONS } from '../services.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Timeline } from './timeline.ts'
import { BrokerRefusal, Transactions } from './transactions.ts'

/** A place in the cluster, as "topic/partition". */
export const placeOf = (topic: string, partition: number): string => `${topic}/${partition}`

const coordinatorOf = (transactionalId: string): string => `transaction ${transactionalId}`
const groupName = (groupId: string): string => `group ${groupId}`

/** A Produce request carries this limit: the replicas may take so long. */
const REPLICATION_TIMEOUT_MS = 1_500

export interface ClusterOptions {
  readonly timeline: Timeline
  readonly random: SeededRandom
  readonly brokers: number
  /** How long after the end of a transaction each marker is written. */
  readonly markerMs: () => number
  /** How long replicas take to follow, and how long the news of a move takes. */
  readonly replicaMs: () => number
  readonly newsMs: () => number
  readonly trace: (who: string, what: string) => void
}

/** What a fetch requests from one partition. */
export interface FetchPlace {
  readonly topic: string
  readonly partition: number
  readonly from: bigint
}

/**
 * Kafka in memory: brokers, partitions, transactions, groups. A request is done when it arrives, or when the replicas
 * follow.
 */
export class MemoryCluster {
  readonly brokers: Brokers
  readonly transactions: Transactions
  readonly #options: ClusterOptions
  readonly #partitions = new Map<string, Partition>()
  readonly #groups = new Map<string, Group>()
  #fetchers: (() => void)[] = []
  #nextProducerId = 1n

  /** Guards that a test may take away, to show that the simulation fails without them. */
  readonly without: { idempotence: boolean; readCommitted: boolean; readonly fences: boolean }

  constructor(options: ClusterOptions) {
    const { timeline, random, brokers, newsMs, trace } = options
    this.#options = options
    this.brokers = new Brokers({ timeline, random, count: brokers, newsMs, trace })
    this.brokers.onMoved = (name) => this.#partitions.get(name)?.moved()
    this.brokers.onChanged = () => {
      for (const partition of this.#partitions.values()) partition.replicate()
    }
    const transactions = new Transactions(timeline, options.markerMs, () => this.#wakeFetchers())
    this.transactions = transactions
    this.without = {
      idempotence: false,
      readCommitted: false,
      get fences() {
        return !transactions.fences
      },
    }
  }

  partition(topic: string, partition: number): Partition {
    const name = placeOf(topic, partition)
    let found = this.#partitions.get(name)
    if (found === undefined) {
      const { timeline, random, replicaMs } = this.#options
      found = new Partition({
        name,
        partition,
        timeline,
        random,
        replicaMs,
        brokers: this.brokers,
        without: this.without,
        onAppended: () => this.#wakeFetchers(),
      })
      this.#partitions.set(name, found)
    }
    return found
  }

  /** The partitions of these topics that have a leader, as places. */
  placesOf(topics: readonly string[]): string[] {
    return topics.flatMap((topic) =>
      Array.from({ length: PARTITIONS }, (_, partition) => this.partition(topic, partition).name),
    )
  }

  log(topic: string, partition: number): PartitionLog {
    return this.partition(topic, partition).log
  }

  group(id: string, options: GroupOptions): Group {
    let group = this.#groups.get(id)
    if (group === undefined) {
      const { timeline, random } = this.#options
      group = new Group(options, timeline, random, () => this.brokers.isServed(groupName(id)))
      this.#groups.set(id, group)
    }
    return group
  }

  /** Sends a request to the group's coordinator. */
  ofGroup<T>(id: string, apply: () => T | Promise<T>): T | Promise<T> {
    const name = groupName(id)
    const coordinator = this.brokers.leaderOf(name)
    return this.brokers.serve(coordinator, () => {
      // The broker hung while it worked on the request, and another one is the coordinator by now.
      if (this.brokers.leaderOf(name) !== coordinator) throw new BrokerRefusal('NOT_COORDINATOR_FOR_GROUP')
      return apply()
    })
  }

  /** Sends a request about one partition to its leader. */
  ofLeader<T>(topic: string, partition: number, apply: (log: PartitionLog) => T): T | Promise<T> {
    const { name, log } = this.partition(topic, partition)
    return this.brokers.serve(this.brokers.leaderOf(name), () => apply(log))
  }

  /** The offset that a group's coordinator has for a place. */
  groupOffset(groupId: string, place: string): bigint | undefined {
    return this.#groups.get(groupId)?.offsets.get(place)
  }

  /** The group's offsets are deleted, as after their retention. */
  forgetOffsets(groupId: string): void {
    this.#groups.get(groupId)?.offsets.clear()
  }

  /** A producer without transactions. */
  openProducer(): ProducerIdentity {
    return { producerId: this.#nextProducerId++, epoch: 0 }
  }

  /** A Produce request at a broker: it answers for each batch when the replicas have what was appended. */
  async produce(broker: BrokerId, batches: readonly ProduceBatch[]): Promise<PlaceAnswer[]> {
    const appending = batches.map((batch) => ({ batch, outcome: this.#inTime(this.#append(broker, batch)) }))
    const answers: PlaceAnswer[] = []
    for (const { batch, outcome } of appending) {
      const { topic, partition } = batch
      const { error, baseOffset, timestampMs } = outcome instanceof Promise ? await outcome : outcome
      answers.push({ topic, partition, error, baseOffset, logAppendTimeMs: timestampMs })
    }
    return answers
  }

  /**
   * A request about a transaction to the broker that the client last knew as its coordinator. What is done is in the
   * coordinators' log; where the coordinator moves before the answer, the answer is "not coordinator" and does not show
   * whether it was done.
   */
  async coordinate<T>(broker: BrokerId, transactionalId: string, apply: () => T): Promise<T> {
    const { brokers } = this
    const { timeline, replicaMs } = this.#options
    const name = coordinatorOf(transactionalId)
    const assertLeads = (): void => {
      if (brokers.leaderOf(name) !== broker) throw new BrokerRefusal('NOT_COORDINATOR_FOR_GROUP')
    }
    while (!brokers.canReplicate) {
      assertLeads()
      await brokers.changed()
    }
    assertLeads()
    if (brokers.isLoading(name)) throw new BrokerRefusal('GROUP_LOAD_IN_PROGRESS')
    if (brokers.isShort) throw new BrokerRefusal('GROUP_COORDINATOR_NOT_AVAILABLE')
    const value = apply()
    const delayMs = replicaMs()
    if (delayMs > 0) {
      await new Promise<void>((resolve) => timeline.after(delayMs, resolve))
      assertLeads()
    }
    return value
  }

  /** The coordinator of a transactional id, as any broker that answers reports it. */
  toldCoordinator(transactionalId: string): BrokerId {
    return this.brokers.news()(coordinatorOf(transactionalId))
  }

  /**
   * Returns up to `recordsMax` committed records of each place. Where there are none it waits for the first, or for
   * `waitMs`. Places whose leader is silent return none. Rejects with `OffsetOutOfRange`.
   */
  async fetch(
    places: readonly FetchPlace[],
    recordsMax: () => number,
    waitMs: number,
  ): Promise<(Fetched & FetchPlace)[]> {
    const { timeline } = this.#options
    const untilMs = timeline.nowMs + waitMs
    for (;;) {
      const fetched = places.flatMap((place) => {
        const { name, log } = this.partition(place.topic, place.partition)
        if (!this.brokers.isServed(name)) return []
        const found = log.fetch(place.from, recordsMax(), this.without.readCommitted)
        return found === null ? [] : [{ ...found, ...place }]
      })
      if (fetched.length > 0 || timeline.nowMs >= untilMs) return fetched
      const { promise, resolve } = Promise.withResolvers<void>()
      const timeout = timeline.after(untilMs - timeline.nowMs, resolve)
      this.#fetchers.push(() => {
        timeout.isCancelled = true
        resolve()
      })
      await promise
    }
  }

  #append(broker: BrokerId, batch: ProduceBatch): Appended | Promise<Appended> {
    const partition = this.partition(batch.topic, batch.partition)
    if (this.brokers.leaderOf(partition.name) !== broker) {
      const refusal = refused('NOT_LEADER_FOR_PARTITION')
      // A leader that is cut off accepts the batch, until it learns that others lead.
      return this.brokers.isCutOff(broker) ? Promise.resolve(refusal) : refusal
    }
    if (batch.transactionalId !== null && !partition.log.hasOpen(batch.producer.producerId)) {
      // The leader asks the coordinator first; where the coordinator is silent, the answer is the error that older
      // clients understand.
      if (!this.brokers.isServed(coordinatorOf(batch.transactionalId))) return refused('NOT_ENOUGH_REPLICAS')
      try {
        this.transactions.verify(batch.producer, partition)
      } catch (error) {
        if (error instanceof BrokerRefusal) return refused(error.type)
        throw error
      }
    }
    return partition.produce(batch)
  }

  /** A batch that waits for the replicas for too long gets an answer, and goes on waiting. */
  #inTime(outcome: Appended | Promise<Appended>): Appended | Promise<Appended> {
    if (!(outcome instanceof Promise)) return outcome
    const { promise: late, resolve } = Promise.withResolvers<Appended>()
    const timer = this.#options.timeline.after(REPLICATION_TIMEOUT_MS, () =>
      resolve(refused('REQUEST_TIMED_OUT')),
    )
    void outcome.then(() => {
      timer.isCancelled = true
    })
    return Promise.race([outcome, late])
  }

  #wakeFetchers(): void {
    const waiting = this.#fetchers
    this.#fetchers = []
    // Each fetch has its own turn: everything that follows from one is over before the next is answered.
    for (const wake of waiting) this.#options.timeline.after(0, wake)
  }
}
