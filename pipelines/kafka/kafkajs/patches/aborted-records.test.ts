import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { hideAborted } from './aborted-records.ts'
import type { FetchedPartition, FetchedRecord } from './aborted-records.ts'

const ABORT = Buffer.alloc(4)
const COMMIT = Buffer.from([0, 0, 0, 1])

function record(offset: number, producerId: string, key: Buffer | null = null): FetchedRecord {
  return {
    offset: `${offset}`,
    key,
    isControlRecord: false,
    batchContext: { producerId, inTransaction: true },
  }
}

function marker(offset: number, producerId: string, key: Buffer): FetchedRecord {
  return { ...record(offset, producerId, key), isControlRecord: true }
}

/** Offsets of the records that kafkajs then passes on. */
function offsetsKept(
  messages: readonly FetchedRecord[],
  aborted: readonly (readonly [producerId: string, first: number])[],
): number[] {
  const partition: FetchedPartition = {
    messages,
    abortedTransactions: aborted.map(([producerId, first]) => ({ producerId, firstOffset: `${first}` })),
  }
  hideAborted(partition)
  deepEqual(partition.abortedTransactions, [])
  return messages
    .filter(({ isControlRecord }) => isControlRecord !== true)
    .map(({ offset }) => Number(offset))
}

test('Without an aborted transaction the records are handed on as they are', () => {
  const messages = [record(0, '7'), marker(1, '7', COMMIT)]
  deepEqual(offsetsKept(messages, []), [0])
  for (const partition of [{ messages }, { messages, abortedTransactions: null }]) hideAborted(partition)
  deepEqual(messages, [record(0, '7'), marker(1, '7', COMMIT)])
})

test('A producer that aborts and then commits has only its second transaction handed on', () => {
  const messages = [
    record(5, '7'),
    record(6, '7'),
    marker(7, '7', ABORT),
    record(8, '7'),
    marker(9, '7', COMMIT),
  ]
  deepEqual(offsetsKept(messages, [['7', 5]]), [8])
})

test('A key of four zero bytes is no marker: the aborted records after it stay out', () => {
  const messages = [record(0, '7', ABORT), record(1, '7', ABORT), marker(2, '7', ABORT), record(3, '7')]
  deepEqual(offsetsKept(messages, [['7', 0]]), [3])
})

test('A fetch that begins within an aborted transaction leaves the rest of it out', () => {
  deepEqual(offsetsKept([record(50, '7'), marker(51, '7', ABORT), record(52, '7')], [['7', 3]]), [52])
})

test('Several aborted transactions that began before the fetch are all known at its first record', () => {
  const messages = [record(50, '9'), record(51, '8'), record(52, '7')]
  deepEqual(
    offsetsKept(messages, [
      ['7', 3],
      ['8', 4],
      ['9', 5],
    ]),
    [],
  )
})

test('Transactions listed in the order in which they ended, not began, are left out all the same', () => {
  const messages = [
    record(0, '7'),
    record(1, '8'),
    marker(2, '8', ABORT),
    record(3, '7'),
    marker(4, '7', ABORT),
  ]
  deepEqual(
    offsetsKept(messages, [
      ['8', 1],
      ['7', 0],
    ]),
    [],
  )
})

test('Records outside transactions and of other producers are handed on beside an aborted one', () => {
  const plain = { ...record(1, '-1'), batchContext: { producerId: '-1', inTransaction: false } }
  const { batchContext: _none, ...old } = record(2, '0')
  const messages = [record(0, '7'), plain, old, record(3, '8'), marker(4, '7', ABORT), marker(5, '8', COMMIT)]
  deepEqual(offsetsKept(messages, [['7', 0]]), [1, 2, 3])
})

test('Offsets beyond what a number holds exactly keep their order', () => {
  const far = 2n ** 53n
  const at = (offset: bigint): FetchedRecord => Object.assign(record(0, '7'), { offset: `${offset}` })
  const messages = [at(far), at(far + 1n)]
  hideAborted({ messages, abortedTransactions: [{ producerId: '7', firstOffset: `${far + 1n}` }] })
  deepEqual(
    messages.map(({ isControlRecord }) => isControlRecord),
    [false, true],
  )
})
