import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../client.ts'
import { beginAt, inTurn } from './fetch-holdings.ts'

test('partitions are asked for in turns, each with its offset', () => {
  const partitions = [0, 1, 2].map((partition) => ({ partition, fetchOffset: String(partition * 10) }))
  const request = { topics: [{ topic: 'usage.metered', partitions }], maxBytes: 7 }
  const first = [0, 1, 2, 3].map((turn) => inTurn(request, turn).topics[0]?.partitions[0]?.partition)
  assert.deepEqual(first, [0, 1, 2, 0])
  assert.deepEqual(
    inTurn(request, 1).topics[0]?.partitions.map(({ fetchOffset }) => fetchOffset),
    ['10', '20', '0'],
  )
  assert.equal((inTurn(request, 1) as typeof request).maxBytes, 7)
  assert.deepEqual(inTurn({ topics: [] }, 5), { topics: [] })
})

test('a batch that cannot be read begins where it was asked for', () => {
  const unreadable = { reason: 'too large', lastOffset: 19n }
  const recordsFrom = (from: bigint) => {
    const records = [{ offset: '4' }, { offset: '10', unreadable }, { offset: '19' }]
    beginAt(records, from)
    return records.map(({ offset }) => offset)
  }
  assert.deepEqual(recordsFrom(4n), ['4', '10', '19'])
  assert.deepEqual(recordsFrom(12n), ['4', '12', '19'])
  assert.deepEqual(recordsFrom(20n), ['4', '10', '19'], 'it lies before')
})
