import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workerTelemetryCodec } from '../../../schemas/fleet/codecs.ts'
import { batch, item, poll, report } from '../../../test/support/records/fleet-items.ts'
import { encodedItem, recordsOf, RECORD_ITEMS_BYTES_MAX } from './batch-records.ts'

const NOW = Date.UTC(2026, 10, 30, 12)

test('a batch is one record, as its codec would write it', () => {
  const { items, ...head } = batch([item({ poll: poll(NOW) }), item({ refused: 'missing' })], {
    first_seq: 3,
  })
  const [record, ...others] = recordsOf(head, items.map(encodedItem))
  assert.deepEqual([record?.providerId, others], ['p', []])
  assert.deepEqual(record?.value, workerTelemetryCodec.encode({ ...head, items }))
})

test('a batch that is too large for one record is several, one run of numbers after the other', () => {
  const serial = 'é'.repeat(128)
  const boards = Array.from({ length: 16 }, (_, slot) => ({ slot, serial }))
  const large = Array.from({ length: 700 }, () => item({ report: report(NOW, { boards }) }))
  const complete = [{ from: 1, to: 2 }]
  const { items, ...head } = batch(large, { first_seq: 10, complete })
  const records = recordsOf(head, items.map(encodedItem)).map(({ value }) => {
    assert.ok(value.length < RECORD_ITEMS_BYTES_MAX + 1_000)
    return workerTelemetryCodec.decode(value)
  })
  assert.ok(records.length > 2)
  let next = 10
  for (const record of records) {
    assert.equal(record.first_seq, next)
    next += record.items.length
  }
  assert.equal(next, 710)
  // What is complete is said with the last items, since the ones before it must be in the log by then.
  assert.deepEqual(
    records.map((record) => record.complete.length),
    records.map((_, at) => (at === records.length - 1 ? 1 : 0)),
  )
})
