import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UsageEvent } from '../../schemas/usage.ts'
import { AggregatorLog, usageRecord } from '../../test/support/records/aggregator-log.ts'
import { eventId, usageEvent } from '../../test/support/records/usage-events.ts'

const AT_MS = 1_700_000_000_000
const BEYOND_DOUBLES = 2 ** 60

const event = (id: number, fields: Partial<UsageEvent> = {}): UsageEvent =>
  usageEvent({ event_id: eventId(id), occurred_at: AT_MS, ...fields })

test('each event that is set aside has a row for the node that it names, and no other event', async () => {
  const first = event(1, { node_id: 'node-a', tokens_in: 7 })
  const log = new AggregatorLog({
    input: [
      usageRecord(0, AT_MS, [first, event(2, { node_id: 'node-b' })]),
      usageRecord(1, AT_MS + 1, [
        { ...first, tokens_in: 8 },
        event(3, { node_id: 'node-b', goal_id: '' }),
        event(4, { node_id: 'no node' }),
        event(5, { node_id: 'node-b', event_text: 'order 5', cost_nano_usd: 2_000_000_000_000_000 }),
      ]),
      { ...usageRecord(2, AT_MS + 2, []), value: Buffer.from('not ours') },
    ],
  })
  await log.run()
  const rows = log
    .rows('set_aside')
    .toSorted((left, right) => Number(left['record_index']) - Number(right['record_index']))
  assert.deepEqual(
    rows.map(({ node_id, event_id, reason, record_offset, record_index }) => [
      node_id,
      event_id,
      reason,
      record_offset,
      record_index,
    ]),
    [
      ['node-a', '00000000-0000-0000-0000-000000000001', 'conflict', 1n, 0],
      ['node-b', '00000000-0000-0000-0000-000000000003', 'invalid_text', 1n, 1],
      ['node-b', 'order 5', 'out_of_range', 1n, 3],
    ],
  )
  const said = JSON.parse(String(rows[0]?.['event'])) as Record<string, unknown>
  assert.equal(said['tokens_in'], 8)
  assert.equal(said['node_id'], 'node-a')
  assert.equal(JSON.parse(String(rows[2]?.['event'])).actual_usd_cost, '2000000')
  assert.equal(log.rows('dead_letters').length, 2, 'the records stand whole beside')
  // The accounts learn of as many as there are rows.
  const told = new Map<string, number>()
  for (const { node_id, set_aside } of log.inbox().flatMap(({ sums }) => sums))
    told.set(node_id, (told.get(node_id) ?? 0) + set_aside)
  assert.deepEqual(Object.fromEntries(told), { 'node-a': 1, 'node-b': 2 })
})

test('a number that no double holds is shown with all its digits', async () => {
  const { value, ...record } = usageRecord(0, AT_MS, [event(1, { node_id: 'node-a', cost_nano_usd: 1 })])
  assert.ok(value !== null)
  // cost_nano_usd is the last number before five nulls and the array's end: its one byte becomes nine.
  const at = value.length - 7
  const wide = Buffer.concat([
    value.subarray(0, at),
    varint(2n * BigInt(BEYOND_DOUBLES) + 2n),
    value.subarray(at + 1),
  ])
  const log = new AggregatorLog({ input: [{ ...record, value: wide }] })
  await log.run()
  const [row] = log.rows('set_aside')
  assert.equal(row?.['reason'], 'out_of_range')
  const said = JSON.parse(String(row?.['event'])) as Record<string, unknown>
  assert.equal(
    said['actual_usd_cost'],
    `${(BigInt(BEYOND_DOUBLES) + 1n) / 10n ** 9n}.${(BigInt(BEYOND_DOUBLES) + 1n) % 10n ** 9n}`,
  )
})

function varint(zigzag: bigint): Buffer {
  const bytes: number[] = []
  let rest = zigzag
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}
