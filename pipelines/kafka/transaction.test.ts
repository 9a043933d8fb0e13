import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SEND_BYTES_MAX, SEND_RECORDS_MAX } from '../log/sends.ts'
import type { TopicAppend } from '../log/records.ts'
import { splitIntoSends } from '../log/sends.ts'

const record = (sizeBytes: number | null): TopicAppend => ({
  topic: 'usage.blocks',
  partition: 0,
  key: null,
  value: sizeBytes === null ? null : Buffer.alloc(sizeBytes),
})
const sizeOf = (send: readonly TopicAppend[]): number =>
  send.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)

test('sends keep the order, hold no more than their bounds, and are as few as the order allows', () => {
  const size = fc.oneof(
    fc.constant(null),
    fc.nat(1_000),
    fc.integer({ min: 200_000, max: 500_000 }),
    fc.constantFrom(SEND_BYTES_MAX - 1, SEND_BYTES_MAX, SEND_BYTES_MAX + 1),
  )
  fc.assert(
    fc.property(fc.array(size, { maxLength: 30 }), (sizes) => {
      const records = sizes.map(record)
      const sends = splitIntoSends(records)
      assert.deepEqual(sends.flat(), records)
      for (const [index, send] of sends.entries()) {
        assert.ok(send.length > 0)
        assert.ok(sizeOf(send) <= SEND_BYTES_MAX || send.length === 1, 'a larger record goes alone')
        const next = sends[index + 1]?.[0]
        if (next !== undefined)
          assert.ok(sizeOf([...send, next]) > SEND_BYTES_MAX, 'the next one had no room')
      }
    }),
    { numRuns: 60 },
  )
})

test('a send holds 5,000 records, the next one goes with the next send', () => {
  const sends = splitIntoSends(Array.from({ length: SEND_RECORDS_MAX + 1 }, () => record(1)))
  assert.deepEqual(
    sends.map(({ length }) => length),
    [SEND_RECORDS_MAX, 1],
  )
})

test('nothing to send is no send', () => {
  assert.deepEqual(splitIntoSends([]), [])
})
