import { createRequire } from 'node:module'

/**
 * Lets kafkajs leave out the records of aborted transactions as Kafka's own client does. Its filter takes every key of
 * four zero bytes for the marker of an abort, steps into one aborted transaction a record, and expects them in the order
 * in which they began: with such keys, or with several transactional writers on a partition, it hands on what was aborted
 * (reproduced: test/faults/faults/records/zero-keys-in-an-aborted-transaction.ts). Here these records are marked as control
 * records, which kafkajs counts as read and hands to nobody; its own filter finds nothing left to do.
 */

/** What this file reads and writes of a fetched record in kafkajs 2.2.4, pinned. */
export interface FetchedRecord {
  readonly offset: string
  readonly key: Buffer | null
  isControlRecord?: boolean
  /** None in the message sets of Kafka before 0.11, which knew no transactions. */
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean }
}

/** What a fetch brought of one partition. */
export interface FetchedPartition {
  readonly messages: readonly FetchedRecord[]
  /** With the offset of the first record of each on the partition, which may stand before what was fetched. */
  abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[] | null
}

interface FetchAnswer {
  readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[]
}

interface Broker {
  fetch: (this: Broker, request: unknown) => Promise<FetchAnswer>
}

/** Key of the control record that ends an aborted transaction: version 0, type 0. */
const ABORT = Buffer.alloc(4)

/** Marks the records of aborted transactions as control records, and says that no transaction was aborted. */
export function hideAborted(partition: FetchedPartition): void {
  if (!partition.abortedTransactions?.length) return
  const begun = partition.abortedTransactions.map(({ producerId, firstOffset }) => ({
    producerId,
    first: BigInt(firstOffset),
  }))
  // The broker lists them in the order in which they ended.
  begun.sort((left, right) => Number(left.first - right.first))
  const aborting = new Set<string>()
  let next = 0
  for (const record of partition.messages) {
    const at = BigInt(record.offset)
    for (let one = begun[next]; one !== undefined && one.first <= at; one = begun[++next]) {
      aborting.add(one.producerId)
    }
    if (record.batchContext === undefined) continue
    const { producerId, inTransaction } = record.batchContext
    if (record.isControlRecord === true) {
      if (record.key !== null && ABORT.equals(record.key)) aborting.delete(producerId)
    } else if (inTransaction && aborting.has(producerId)) {
      record.isControlRecord = true
    }
  }
  partition.abortedTransactions = []
}

const require = createRequire(import.meta.url)
const { prototype } = require('kafkajs/src/broker/index.js') as { prototype: Broker }
const fetch = prototype.fetch
prototype.fetch = async function fetchWithoutAborted(request) {
  const answer = await fetch.call(this, request)
  for (const { partitions } of answer.responses) for (const partition of partitions) hideAborted(partition)
  return answer
}
