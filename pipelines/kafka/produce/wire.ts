import type { LogAppend } from '../../log/records.ts'

/**
 * What the produce path requests from a cluster, request by request. Nothing here retries, remembers an attempt or decides
 * what an answer means: the callers do that, in the same way for Kafka (`kafkajs-wire.ts`) and for the simulation's
 * brokers.
 */

/** The number of a broker, as the cluster assigned it. */
export type BrokerId = number

/** One partition of one topic. */
export interface Place {
  readonly topic: string
  readonly partition: number
}

/** What the broker assigned to a producer at its start: everything with an older epoch is refused. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly epoch: number
}

/** A producer's transaction, as the coordinator identifies it. */
export interface TransactionIdentity extends ProducerIdentity {
  readonly transactionalId: string
}

/**
 * The records of one send for one partition. Every attempt passes the same object, so that an implementation can keep its
 * bytes with it: a repeat is identical to the byte.
 */
export interface ProduceBatch extends Place {
  readonly producer: ProducerIdentity
  readonly transactionalId: string | null
  /** The number of the first record among all that this producer sent to the partition, an INT32 that wraps to 0. */
  readonly baseSequence: number
  readonly records: readonly Pick<LogAppend, 'key' | 'value' | 'headers'>[]
}

/**
 * A broker's answer about one partition. A partition that the broker did not name is not in the answer: its outcome is
 * unknown.
 */
export interface PlaceAnswer extends Place {
  /** Kafka's name of the error, as kafkajs spells it ("NOT_LEADER_FOR_PARTITION"); null: the batch is in the log. */
  readonly error: string | null
  readonly baseOffset: bigint
  /** The broker's clock at the append; -1 where the topic does not stamp records. */
  readonly logAppendTimeMs: number
}

/**
 * The answer of a coordinator or broker to a request with one answer: `error` as in `PlaceAnswer`, `value` where it is
 * null.
 */
export type Answer<T> = { readonly error: null; readonly value: T } | { readonly error: string }

/**
 * A request without an answer: no connection, a closed one, or silence until the request's timeout. The only error with
 * which a request may reject.
 */
export class Unanswered extends Error {
  readonly code = 'UNANSWERED'
  /** False: not a byte of the request was sent, so it has had no effect. */
  readonly wasSent: boolean

  constructor(message: string, wasSent: boolean, options?: ErrorOptions) {
    super(message, options)
    this.wasSent = wasSent
  }
}

export interface ProduceWire {
  /** The leader according to the last answer; null where none is known. Sends no request. */
  leaderOf(place: Place): BrokerId | null
  /** Queries the cluster for the leaders of these topics' partitions, at another broker where one does not answer. */
  refreshLeaders(topics: readonly string[]): Promise<void>
  /**
   * One Produce request (acks = all) with at most one batch for each partition. Answers come in any order; a missing one is
   * unknown.
   */
  produce(broker: BrokerId, batches: readonly ProduceBatch[]): Promise<readonly PlaceAnswer[]>
  /** Queries the cluster for the coordinator of a transactional id, at another broker where one does not answer. */
  findCoordinator(transactionalId: string): Promise<Answer<BrokerId>>
  /** A producer id without transactions, from any broker: each call uses another one. */
  initProducer(): Promise<Answer<ProducerIdentity>>
  /** The producer of the id with a new epoch; the coordinator aborts what an older one left open. */
  initTransactions(
    coordinator: BrokerId,
    transactionalId: string,
    transactionTimeoutMs: number,
  ): Promise<Answer<ProducerIdentity>>
  /** AddPartitionsToTxn: all partitions are added, or none. */
  addPartitions(
    coordinator: BrokerId,
    transaction: TransactionIdentity,
    places: readonly Place[],
  ): Promise<Answer<null>>
  /** EndTxn with "commit". */
  commitTransaction(coordinator: BrokerId, transaction: TransactionIdentity): Promise<Answer<null>>
  /** Closes the connections. Requests under way end as unanswered. */
  close(): Promise<void>
}
