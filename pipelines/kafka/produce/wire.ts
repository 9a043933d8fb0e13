import type { LogAppend } from '../../log/records.ts'

/**
 * What the produce path asks of a cluster, request by request. Nothing here retries, remembers an attempt or decides what
 * an answer means: that is done behind it, alike for Kafka (`kafkajs-wire.ts`) and for the simulation's brokers.
 */

/** The number of a broker, as the cluster gives it. */
export type BrokerId = number

/** One partition of one topic. */
export interface Place {
  readonly topic: string
  readonly partition: number
}

/** What the broker gave a producer at its start: whatever carries an older epoch is refused. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly epoch: number
}

/** A producer's transaction, to the coordinator. */
export interface TransactionIdentity extends ProducerIdentity {
  readonly transactionalId: string
}

/**
 * The records of one send for one partition. Every attempt hands over the same object, so that an implementation can keep
 * its bytes with it: a repeat is the same to the byte.
 */
export interface ProduceBatch extends Place {
  readonly producer: ProducerIdentity
  readonly transactionalId: string | null
  /** The number of the first record among all that this producer sent to the partition, an INT32 that wraps to 0. */
  readonly baseSequence: number
  readonly records: readonly Pick<LogAppend, 'key' | 'value' | 'headers'>[]
}

/** What a broker said of one partition. A partition that it did not name is not in the answer: its outcome is unknown. */
export interface PlaceAnswer extends Place {
  /** Kafka's name of the error, as kafkajs spells it ("NOT_LEADER_FOR_PARTITION"); null: the batch is in the log. */
  readonly error: string | null
  readonly baseOffset: bigint
  /** The broker's clock at the append; -1 where the topic does not stamp it. */
  readonly logAppendTimeMs: number
}

/** What a coordinator or broker said where it gives one answer: `error` as in `PlaceAnswer`, `value` where it is null. */
export type Answer<T> = { readonly error: null; readonly value: T } | { readonly error: string }

/**
 * A request without an answer: no connection, a closed one, or silence until the request's timeout. The only error with
 * which a request may reject.
 */
export class Unanswered extends Error {
  readonly code = 'UNANSWERED'
  /** False: not a byte of it was sent, so nothing can have come of it. */
  readonly wasSent: boolean

  constructor(message: string, wasSent: boolean, options?: ErrorOptions) {
    super(message, options)
    this.wasSent = wasSent
  }
}

export interface ProduceWire {
  /** The leader as last heard; null where none is known. Asks nobody. */
  leaderOf(place: Place): BrokerId | null
  /** Asks the cluster which brokers lead these topics' partitions, another broker where one does not answer. */
  refreshLeaders(topics: readonly string[]): Promise<void>
  /** One Produce request (acks = all) with at most one batch a partition. Answers in any order; what is missing is unknown. */
  produce(broker: BrokerId, batches: readonly ProduceBatch[]): Promise<readonly PlaceAnswer[]>
  /** Asks the cluster for the coordinator of a transactional id, another broker where one does not answer. */
  findCoordinator(transactionalId: string): Promise<Answer<BrokerId>>
  /** A producer id without transactions, from any broker: from another one at each call. */
  initProducer(): Promise<Answer<ProducerIdentity>>
  /** The id's producer with a new epoch; the coordinator aborts what an older one left open. */
  initTransactions(
    coordinator: BrokerId,
    transactionalId: string,
    transactionTimeoutMs: number,
  ): Promise<Answer<ProducerIdentity>>
  /** AddPartitionsToTxn: as a whole or not at all. */
  addPartitions(
    coordinator: BrokerId,
    transaction: TransactionIdentity,
    places: readonly Place[],
  ): Promise<Answer<null>>
  /** EndTxn with "commit". */
  commitTransaction(coordinator: BrokerId, transaction: TransactionIdentity): Promise<Answer<null>>
  /** Lets go of the connections. Requests under way end as unanswered. */
  close(): Promise<void>
}
