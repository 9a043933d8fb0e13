import { createRequire } from 'node:module'

/**
 * Lets kafkajs leave out the records of aborted transactions as Kafka's own client does. The filter of kafkajs considers
 * every key of four zero bytes the marker of an abort, enters at most one aborted transaction for each record, and expects
 * transactions in the order in which they began. So with such keys, or with several transactional writers on a partition,
 * it passes on aborted records (reproduced: test/faults/faults/records/zero-keys-in-an-aborted-transaction.ts). Here these
 * records are marked as control records, which kafkajs counts as read and gives to no handler; its own filter finds nothing
 * left to do.
 */

/** What this file reads and writes of a fetched record in kafkajs 2.2.4, pinned. */
export interface FetchedRecord {
  readonly offset: string
  readonly key: Buffer | null
  isControlRecord?: boolean
  /** Missing in the message sets of Kafka before 0.11, which knew no transactions. */
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean }
}

/** What a fetch returned of one partition. */
export interface FetchedPartition {
  readonly messages: readonly FetchedRecord[]
  /** Each with the offset of its first record on the partition, which may be before the fetched range. */
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

/** Marks the records of aborted transactions as control records, and sets the list of aborted transactions to none. */
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
