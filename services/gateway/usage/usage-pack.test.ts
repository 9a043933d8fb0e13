import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { usageEventsCodec } from '../../../schemas/avro.ts'
import { USAGE_BOUNDS } from '../../../schemas/usage.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { RECORD_BYTES_MAX, UsagePack } from './usage-pack.ts'

function usageEvent(id: number, model_id = 'llama'): UsageEvent {
  const event_id = Buffer.alloc(16)
  event_id.writeUInt32BE(id)
  return {
    event_id,
    event_text: null,
    node_id: `node-${id % 7}`,
    operator_id: null,
    model_id,
    task_source: 'hive',
    occurred_at: 1_795_000_000_000 + id,
    tokens_in: id,
    tokens_out: 0,
    duration_ms: null,
    gpu_ms: id,
    energy_mwh: null,
    energy_source: 'none',
    cost_nano_usd: id * 1_000,
    goal_id: null,
    requester_node_id: null,
    reservation_id: null,
    event_source: null,
    more: null,
  }
}

test('a pack is byte for byte what the codec encodes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), (count) => {
      const events = Array.from({ length: count }, (_, id) => usageEvent(id))
      const pack = new UsagePack()
      for (const event of events) assert.ok(pack.add(event))
      const { sizeBytes } = pack
      const value = pack.finish()
      assert.deepEqual(value, usageEventsCodec.encode({ events }))
      assert.ok(value.length <= sizeBytes && value.length >= sizeBytes - 2)
    }),
    { numRuns: 50 },
  )
})

test('a pack ends at 10,000 events', () => {
  const pack = new UsagePack()
  for (let id = 0; id < USAGE_BOUNDS.eventsPerRecordMax; id += 1) assert.ok(pack.add(usageEvent(id)))
  assert.equal(pack.add(usageEvent(0)), false)
  assert.equal(usageEventsCodec.decode(pack.finish()).events.length, USAGE_BOUNDS.eventsPerRecordMax)
})

test('a pack ends below 900,000 bytes, and what did not fit has left no trace', () => {
  const pack = new UsagePack()
  const large = '😀'.repeat(128)
  let count = 0
  while (pack.add(usageEvent(count, large))) count += 1
  const value = pack.finish()
  assert.ok(value.length <= RECORD_BYTES_MAX)
  assert.ok(value.length > RECORD_BYTES_MAX - 700)
  const decoded = usageEventsCodec.decode(value).events
  assert.equal(decoded.length, count)
  assert.deepEqual({ ...decoded.at(-1) }, usageEvent(count - 1, large))
})
