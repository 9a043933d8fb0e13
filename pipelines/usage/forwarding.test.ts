import assert from 'node:assert/strict'
import { test } from 'node:test'
import { usageEventCodec, usageEventsCodec } from '../../schemas/avro.ts'
import { FORWARDED_HEADER, USAGE_BOUNDS } from '../../schemas/usage.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import {
  AGGREGATOR_TOPICS,
  AggregatorLog,
  ID_KEY,
  usageRecord,
} from '../../test/support/records/aggregator-log.ts'
import { eventId, nodesOfPartition, usageEvent } from '../../test/support/records/usage-events.ts'
import type { LogAppend, LogRecord } from '../log/records.ts'
import { FORWARDED_EVENTS_MAX } from './forwarding.ts'
import { originalReceipt, receiptHeaders } from './receipt.ts'

const AT_MS = 1_700_000_000_000
const PARTITIONS = 4
const [here = ''] = nodesOfPartition(0, PARTITIONS, 1)
const [second = '', alsoSecond = ''] = nodesOfPartition(1, PARTITIONS, 2)
const [third = ''] = nodesOfPartition(2, PARTITIONS, 1)

const event = (id: number, node_id: string, fields: Partial<UsageEvent> = {}): UsageEvent =>
  usageEvent({ event_id: eventId(id), occurred_at: AT_MS, node_id, ...fields })

const open = (input: readonly LogRecord[]): AggregatorLog =>
  new AggregatorLog({ input, partitions: PARTITIONS })

/** The record that was sent on, as its partition reads it. */
function arrived({ partition, value, headers = {} }: LogAppend, timestampMs: number): LogRecord {
  const bytes = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const)
  return { partition, offset: 0n, timestampMs, key: null, value, headers: Object.fromEntries(bytes) }
}

/** avsc creates instances of a class of its own. */
const eventsOf = ({ value }: LogAppend): UsageEvent[] =>
  usageEventsCodec.decode(value as Buffer).events.map((one) => Object.assign({}, one))

test('events of other partitions are sent on, byte for byte and with their receipt, and the others count', async () => {
  const sent = [
    event(1, second, { event_text: 'as it was sent', goal_id: 'goal' }),
    event(2, here),
    event(3, third, { operator_id: 'op' }),
    event(4, alsoSecond, { cost_nano_usd: 7 }),
    event(5, second, { cost_nano_usd: -1 }),
  ]
  const log = open([usageRecord(0, AT_MS, sent)])
  await log.run()
  assert.deepEqual(
    log.rows('usage_events').map((row) => row['node_id']),
    [here],
  )
  assert.deepEqual(
    log.rows('dead_letters').map((row) => [row['reasons'], row['indexes']]),
    [[['out_of_range'], [4]]],
  )
  assert.deepEqual(
    log.forwarded.map((append) => [append.partition, append.key, eventsOf(append)]),
    [
      [1, null, [sent[0], sent[3]]],
      [2, null, [sent[2]]],
    ],
  )
  for (const append of log.forwarded) {
    const record = arrived(append, AT_MS + 99)
    assert.equal(record.headers[FORWARDED_HEADER]?.toString(), '1')
    assert.equal(originalReceipt(ID_KEY, AGGREGATOR_TOPICS.usageMetered, record), AT_MS)
  }
})

test('a record of one event is sent on as one', async () => {
  const alone = event(1, second, { event_text: 'alone' })
  const value = usageEventCodec.encode(alone)
  const log = open([
    { ...usageRecord(0, AT_MS, []), value },
    { ...usageRecord(1, AT_MS, []), value: usageEventCodec.encode(event(2, here)) },
  ])
  await log.run()
  assert.deepEqual(
    log.forwarded.map((append) => [append.partition, append.value]),
    [[1, value]],
  )
  assert.deepEqual(
    log.rows('usage_events').map((row) => row['node_id']),
    [here],
  )
  assert.equal(log.rows('dead_letters').length, 0)
})

test('the receipt that a replay has proven goes with the event', async () => {
  const replayed = usageRecord(0, AT_MS, [event(1, second)])
  const proven = receiptHeaders(ID_KEY, AGGREGATOR_TOPICS.usageMetered, AT_MS - 5, replayed.value as Buffer)
  const headers = Object.fromEntries(Object.entries(proven).map(([name, text]) => [name, Buffer.from(text)]))
  const log = open([{ ...replayed, headers }])
  await log.run()
  const [append] = log.forwarded
  assert.ok(append)
  assert.equal(originalReceipt(ID_KEY, AGGREGATOR_TOPICS.usageMetered, arrived(append, AT_MS)), AT_MS - 5)
})

test('what was sent on once and is wrong again is a letter: nothing goes round', async () => {
  const headers = { [FORWARDED_HEADER]: Buffer.from('1') }
  const log = open([{ ...usageRecord(0, AT_MS, [event(1, second), event(2, here)]), headers }])
  await log.run()
  assert.equal(log.forwards, 0)
  assert.deepEqual(
    log.rows('dead_letters').map((row) => [row['reasons'], row['indexes']]),
    [[['wrong_partition'], [0]]],
  )
  assert.equal(log.rows('usage_events').length, 1)
})

test('nothing is committed past a record before the broker has acknowledged what it held for others', async () => {
  const log = open([usageRecord(0, AT_MS, [event(1, here)]), usageRecord(1, AT_MS, [event(2, second)])])
  log.forwardFails = true
  const { pause, position } = await log.step(2)
  assert.deepEqual([pause, position], ['forward_not_acknowledged', 1n])
  assert.equal(log.rows('usage_events').length, 1)
  assert.equal(log.task()?.position, 1)
  log.forwardFails = false
  await log.run()
  assert.equal(log.task()?.position, 2)
  assert.equal(log.forwarded.length, 1)
})

test('a transaction that is lost sends on again; one that has to wait for something else does not', async () => {
  const input = [usageRecord(0, AT_MS, [event(1, second), event(2, here)])]
  const lost = open(input)
  await lost.step(1, 'lost')
  await lost.run()
  assert.equal(lost.forwarded.length, 2)

  // No id fits: the partition rests, and rests again.
  const full = new AggregatorLog({ input, partitions: PARTITIONS, idsMax: 1 })
  for (const _time of [1, 2, 3]) assert.equal((await full.step(1)).pause, 'ids_full')
  assert.equal(full.forwarded.length, 1)
})

test('FORWARDED_EVENTS_MAX: a batch sends on so many events, and what follows is the next one’s', async () => {
  assert.equal(FORWARDED_EVENTS_MAX, USAGE_BOUNDS.eventsPerRecordMax)
  const many = (from: number, count: number): UsageEvent[] =>
    Array.from({ length: count }, (_, index) => event(from + index, second))
  const half = FORWARDED_EVENTS_MAX / 2
  const input = [many(0, half), many(half, half), many(2 * half, 1), many(3 * half, half)]
  const log = open(input.map((events, offset) => usageRecord(offset, AT_MS, events)))
  const first = await log.step(4)
  assert.deepEqual([first.position, first.pause], [2n, null])
  assert.equal(log.forwarded.flatMap(eventsOf).length, FORWARDED_EVENTS_MAX)
  const rest = await log.step(4)
  assert.deepEqual([rest.position, rest.pause], [4n, null])
  assert.equal(log.forwarded.flatMap(eventsOf).length, 3 * half + 1)
})

test('FORWARDED_BYTES_MAX: a record that is sent on fits the topic with its headers', async () => {
  const text = '😀'.repeat(128)
  const events = Array.from({ length: 2_500 }, (_, index) =>
    event(index, second, { event_text: text, model_id: text }),
  )
  const log = open([usageRecord(0, AT_MS, events)])
  await log.run()
  assert.ok(log.forwarded.length > 2)
  for (const { value } of log.forwarded) assert.ok((value?.length ?? 0) < 910_000)
  const ids = (list: readonly UsageEvent[]): string[] => list.map(({ event_id }) => event_id.toString('hex'))
  assert.deepEqual(ids(log.forwarded.flatMap(eventsOf)), ids(events))
})

test('a topic that is drained takes nothing more: what is wrong there is a letter', async () => {
  const log = open([usageRecord(0, AT_MS, [event(1, second)])])
  log.endToken = Buffer.alloc(16)
  await log.run()
  assert.equal(log.forwards, 0)
  assert.deepEqual(
    log.rows('dead_letters').map((row) => row['reasons']),
    [['wrong_partition']],
  )
})
