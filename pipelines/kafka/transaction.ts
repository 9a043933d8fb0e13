import type { Producer, Transaction } from 'kafkajs'
import { createKafka, namedPartition, SEND_BYTES_MAX, SEND_RECORDS_MAX } from './client.ts'
import type { KafkaOptions } from './client.ts'
import type { Failpoint } from '../failpoints.ts'
import type { TopicAppend } from './records.ts'

/** The broker aborts a transaction that is open for longer: a dead task holds its readers back no longer. */
export const TRANSACTION_TIMEOUT_MS = 10_000

export interface TransactionalWriterOptions extends KafkaOptions {
  readonly transactionalId: string
  readonly failpoint: Failpoint
}

/**
 * One task's transactional producer. Any error after begin leaves the outcome unknown, and kafkajs cannot go on after
 * a failed EndTxn: the caller throws the writer away (`close`) and fences anew.
 */
export class TransactionalWriter {
  readonly #producer: Producer
  readonly #failpoint: Failpoint
  #connected = false

  constructor(options: TransactionalWriterOptions) {
    this.#failpoint = options.failpoint
    this.#producer = createKafka(options).producer({
      transactionalId: options.transactionalId,
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: namedPartition,
    })
  }

  /**
   * Writes all records in one committed transaction, in their order, one awaited send at a time.
   * Returns the offset of each record, in the order given. Rejects with the outcome unknown.
   */
  async commit(records: readonly TopicAppend[]): Promise<readonly bigint[]> {
    if (!this.#connected) {
      await this.#producer.connect()
      this.#connected = true
    }
    const transaction = await this.#producer.transaction()
    const offsets: bigint[] = []
    for (const send of splitIntoSends(records)) offsets.push(...(await sendAll(transaction, send)))
    await this.#failpoint('after_send')
    await Promise.all([transaction.commit(), this.#failpoint('during_commit')])
    await this.#failpoint('after_commit')
    return offsets
  }

  /** Lets go of the connections; an open transaction is left to the next fence or to its timeout. */
  async close(): Promise<void> {
    await this.#producer.disconnect()
  }
}

/** Cuts records into sends within the bounds, keeping their order; a record above the bound goes alone. */
export function splitIntoSends<R extends TopicAppend>(records: readonly R[]): R[][] {
  const sends: R[][] = []
  let send: R[] = []
  let bytes = 0
  for (const record of records) {
    const size = record.value?.length ?? 0
    if (send.length > 0 && (bytes + size > SEND_BYTES_MAX || send.length === SEND_RECORDS_MAX)) {
      sends.push(send)
      send = []
      bytes = 0
    }
    send.push(record)
    bytes += size
  }
  if (send.length > 0) sends.push(send)
  return sends
}

async function sendAll(transaction: Transaction, records: readonly TopicAppend[]): Promise<bigint[]> {
  const byTopic = new Map<string, TopicAppend[]>()
  for (const record of records) {
    const sameTopic = byTopic.get(record.topic)
    if (sameTopic === undefined) byTopic.set(record.topic, [record])
    else sameTopic.push(record)
  }
  const metadata = await transaction.sendBatch({
    acks: -1,
    topicMessages: [...byTopic].map(([topic, appends]) => ({
      topic,
      messages: appends.map(({ partition, key, value, headers }) => ({
        partition,
        key,
        value,
        ...(headers === undefined ? {} : { headers: { ...headers } }),
      })),
    })),
  })
  const next = new Map<string, bigint>()
  for (const { topicName, partition, baseOffset } of metadata) {
    if (baseOffset === undefined) throw new Error(`The broker gave no offset for ${topicName}[${partition}].`)
    next.set(`${topicName}/${partition}`, BigInt(baseOffset))
  }
  return records.map(({ topic, partition }) => {
    const place = `${topic}/${partition}`
    const offset = next.get(place)
    if (offset === undefined) throw new Error(`The broker did not name ${topic}[${partition}] in its answer.`)
    next.set(place, offset + 1n)
    return offset
  })
}
