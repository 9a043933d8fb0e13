/** The meaning of a broker's answer to a batch, or to a request about a transaction. */
export type Meaning =
  /** The batch is in the log of every replica in sync. */
  | 'acknowledged'
  /** Query who leads the partition (or coordinates the transaction), then send the same again. */
  | 'asked_elsewhere'
  /** Send the same again to the same broker after a pause. */
  | 'asked_later'
  /** The broker accepts nothing from this producer any more: there is a newer one, or its transaction was ended for it. */
  | 'fenced'
  /** The broker has not accepted this batch and never will. */
  | 'refused'
  /** It is not known what happened with the batch, and another try would not tell either. */
  | 'unknown'

interface Entry {
  readonly meaning: Meaning
  /**
   * False: this answer means that nothing was stored. True also where the broker appended the batch and could not
   * finish.
   */
  readonly mayBeStored: boolean
}

const elsewhere = { meaning: 'asked_elsewhere', mayBeStored: true } as const
const later = { meaning: 'asked_later', mayBeStored: false } as const
const laterStored = { meaning: 'asked_later', mayBeStored: true } as const
const fenced = { meaning: 'fenced', mayBeStored: false } as const
const refused = { meaning: 'refused', mayBeStored: false } as const
const UNKNOWN = { meaning: 'unknown', mayBeStored: true } as const

/**
 * By Kafka's names as kafkajs spells them. A leader that is replaced while a batch waits for the other replicas answers
 * that it does not lead, though they may keep the batch: such answers say nothing about the log.
 */
const MEANINGS: Readonly<Record<string, Entry>> = {
  NOT_LEADER_FOR_PARTITION: elsewhere,
  LEADER_NOT_AVAILABLE: elsewhere,
  REPLICA_NOT_AVAILABLE: elsewhere,
  UNKNOWN_TOPIC_OR_PARTITION: elsewhere,
  FENCED_LEADER_EPOCH: elsewhere,
  UNKNOWN_LEADER_EPOCH: elsewhere,
  KAFKA_STORAGE_ERROR: elsewhere,
  NETWORK_EXCEPTION: elsewhere,
  BROKER_NOT_AVAILABLE: elsewhere,

  GROUP_COORDINATOR_NOT_AVAILABLE: { ...elsewhere, mayBeStored: false },
  NOT_COORDINATOR_FOR_GROUP: { ...elsewhere, mayBeStored: false },
  GROUP_LOAD_IN_PROGRESS: later,

  NOT_ENOUGH_REPLICAS: later,
  CORRUPT_MESSAGE: later,
  // The markers of the previous transaction are still being written.
  CONCURRENT_TRANSACTIONS: later,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: laterStored,
  REQUEST_TIMED_OUT: laterStored,

  INVALID_PRODUCER_EPOCH: fenced,
  PRODUCER_FENCED: fenced,
  INVALID_PRODUCER_ID_MAPPING: fenced,
  TRANSACTION_COORDINATOR_FENCED: fenced,

  MESSAGE_TOO_LARGE: refused,
  RECORD_LIST_TOO_LARGE: refused,
  INVALID_RECORD: refused,
  INVALID_TIMESTAMP: refused,
  INVALID_TOPIC_EXCEPTION: refused,
  INVALID_REQUIRED_ACKS: refused,
  INVALID_REQUEST: refused,
  INVALID_TXN_STATE: refused,
  INVALID_TRANSACTION_TIMEOUT: refused,
  OPERATION_NOT_ATTEMPTED: refused,
  POLICY_VIOLATION: refused,
  SECURITY_DISABLED: refused,
  TOPIC_AUTHORIZATION_FAILED: refused,
  CLUSTER_AUTHORIZATION_FAILED: refused,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: refused,
  UNSUPPORTED_COMPRESSION_TYPE: refused,
  UNSUPPORTED_FOR_MESSAGE_FORMAT: refused,

  // The broker has forgotten the producer, or lost what was acknowledged before, or knows the number without its offset.
  OUT_OF_ORDER_SEQUENCE_NUMBER: UNKNOWN,
  DUPLICATE_SEQUENCE_NUMBER: UNKNOWN,
  UNKNOWN_PRODUCER_ID: UNKNOWN,
}

/** The meaning of `error`; null means that there was no error. A name that is not in the table is unknown. */
export function meaningOf(error: string | null): Entry {
  if (error === null) return { meaning: 'acknowledged', mayBeStored: true }
  return Object.hasOwn(MEANINGS, error) ? (MEANINGS[error] ?? UNKNOWN) : UNKNOWN
}
