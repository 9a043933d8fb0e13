import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tickCodec, usageEventsCodec } from '../../schemas/avro.ts'
import { formatUuid } from '../../schemas/ids.ts'
import { FORWARDED_HEADER, RECEIPT_HEADER, USAGE_BOUNDS } from '../../schemas/usage.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { CountedMetrics } from '../../test/support/oracles/counted-metrics.ts'
import {
  AGGREGATOR_TOPICS,
  AggregatorLog,
  ID_KEY,
  usageRecord,
} from '../../test/support/records/aggregator-log.ts'
import { eventId, nodesOfPartition, usageEvent } from '../../test/support/records/usage-events.ts'
import type { LogRecord } from '../log/records.ts'
import { receiptHeaders } from './receipt.ts'

const AT_MS = 1_700_000_000_000
const { ageMsMax, aheadMsMax, taskSlackMs } = USAGE_BOUNDS
const OLDEST_MS = AT_MS - ageMsMax - taskSlackMs
const NEWEST_MS = AT_MS + aheadMsMax + taskSlackMs

const event = (id: number, fields: Partial<UsageEvent> = {}): UsageEvent =>
  usageEvent({ event_id: eventId(id), occurred_at: AT_MS, ...fields })

async function lettersOf(input: readonly LogRecord[], partitions = 1): Promise<AggregatorLog> {
  const log = new AggregatorLog({ input, partitions })
  await log.run()
  return log
}

test('each broken record is one dead letter, byte for byte, headers too, and the partition goes on', async () => {
  const good = usageEventsCodec.encode({ events: [event(1)] })
  const values: readonly (readonly [value: Buffer | null, reason: string])[] = [
    [null, 'framing'],
    [Buffer.alloc(0), 'framing'],
    [Buffer.from('{"node_id":"node-1"}'), 'framing'],
    [Buffer.from([0, 0, 0, 3, 231, 1, 2, 3]), 'unknown_schema'],
    [good.subarray(0, -1), 'malformed'],
    [Buffer.concat([good, Buffer.from([9])]), 'malformed'],
    [Buffer.from('00000000018088debe0100', 'hex'), 'malformed'],
    [Buffer.from([0, 0, 0, 0, 3, 255]), 'unknown_schema'],
  ]
  const headers = { trace: Buffer.from([0, 255, 10]), empty: Buffer.alloc(0), ünï: Buffer.from('ä') }
  const input = values.map(
    ([value], index): LogRecord => ({
      partition: 0,
      offset: BigInt(index),
      timestampMs: AT_MS + index,
      key: index % 2 === 0 ? null : Buffer.from([0xff, index]),
      value,
      headers,
    }),
  )
  const log = await lettersOf([...input, usageRecord(values.length, AT_MS, [event(1)])])
  const rows = log.rows('dead_letters')
  assert.equal(rows.length, values.length)
  for (const [index, [value, reason]] of values.entries()) {
    const { details, ...row } = rows[index] ?? {}
    assert.deepEqual(row, {
      topic: 'usage.metered',
      partition: 0,
      record_offset: BigInt(index),
      received_at: AT_MS + index,
      set_aside_at: AT_MS + values.length - 1,
      key: input[index]?.key?.toString('latin1') ?? null,
      value: value?.toString('latin1') ?? null,
      header_names: ['trace', 'empty', Buffer.from('ünï').toString('latin1')],
      header_values: ['\u0000\u00ff\n', '', Buffer.from('ä').toString('latin1')],
      reasons: [reason],
      indexes: [-1],
    })
    assert.equal(Array.isArray(details) && details.length, 1)
  }
  assert.equal(log.rows('usage_events').length, 1)
})

test('a record with good and bad events is one dead letter of the bad ones; the good ones count', async () => {
  const [here = '', alsoHere = ''] = nodesOfPartition(0, 4, 2)
  const [elsewhere = ''] = nodesOfPartition(1, 4, 1)
  const sentOnAlready = { [FORWARDED_HEADER]: Buffer.from('1') }
  const input = [
    usageRecord(0, AT_MS, [
      event(1, { node_id: here }),
      event(2, { node_id: elsewhere }),
      event(3, { node_id: alsoHere, cost_nano_usd: -1 }),
      event(4, { node_id: here, occurred_at: OLDEST_MS - 1 }),
      event(5, { node_id: here, occurred_at: NEWEST_MS + 1 }),
      event(1, { node_id: here, tokens_in: 1 }),
      event(1, { node_id: here }),
      event(6, { node_id: alsoHere }),
    ]),
  ].map((record) => Object.assign(record, { headers: sentOnAlready }))
  const log = await lettersOf(input, 4)
  assert.deepEqual(
    log.rows('usage_events').map((row) => [row['node_id'], row['record_index']]),
    [
      [here, 0],
      [alsoHere, 7],
    ],
  )
  const [letter, ...more] = log.rows('dead_letters')
  assert.deepEqual(more, [])
  const indexes = letter?.['indexes'] as number[]
  const reasons = letter?.['reasons'] as string[]
  assert.deepEqual(indexes.map((index, at) => `${index} ${reasons[at]}`).toSorted(), [
    '1 wrong_partition',
    '2 out_of_range',
    '3 too_old',
    '4 in_the_future',
    '5 conflict',
  ])
  assert.equal(letter?.['value'], input[0]?.value?.toString('latin1'))
})

test('an id that comes with another content is an anomaly, a repeat is none', async () => {
  const metrics = new CountedMetrics()
  const log = new AggregatorLog({
    input: [
      usageRecord(0, AT_MS, [event(1), event(2)]),
      usageRecord(1, AT_MS, [event(1, { tokens_in: 1 }), event(2), event(1, { tokens_out: 1 })]),
    ],
    metrics,
  })
  await log.run()
  assert.equal(metrics.sumOf('hivemeter_anomalies_total conflicting'), 2)
  assert.equal(metrics.sumOf('hivemeter_events_repeated_total'), 1)
})

test('age is judged at the millisecond, ten minutes wider than the gateway does', async () => {
  const times: readonly (readonly [occurredAt: number, counts: boolean])[] = [
    [OLDEST_MS - 1, false],
    [OLDEST_MS, true],
    [NEWEST_MS, true],
    [NEWEST_MS + 1, false],
  ]
  const input = times.map(([occurred_at], index) =>
    usageRecord(index, AT_MS, [event(index, { occurred_at })]),
  )
  const log = await lettersOf(input)
  assert.deepEqual(
    log.rows('usage_events').map((row) => Number(row['record_offset'])),
    times.flatMap(([, counts], index) => (counts ? [index] : [])),
  )
  assert.deepEqual(
    log.rows('dead_letters').map((row) => row['reasons']),
    [['too_old'], ['in_the_future']],
  )
})

test('a replayed dead letter is judged by its original receipt, and received when it came', async () => {
  const laterMs = AT_MS + 60 * 86_400_000
  const proven = (
    record: LogRecord,
    receiptMs: number,
    idKey = ID_KEY,
    topic = AGGREGATOR_TOPICS.usageMetered,
  ): LogRecord => {
    const headers = receiptHeaders(idKey, topic, receiptMs, record.value as Buffer)
    return {
      ...record,
      headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
    }
  }
  const replayed = (offset: number, receipt: string): LogRecord => {
    const record = proven(usageRecord(offset, laterMs, [event(offset)]), AT_MS)
    return { ...record, headers: { ...record.headers, [RECEIPT_HEADER]: Buffer.from(receipt) } }
  }
  const once = usageRecord(7, laterMs, [event(7)])
  const input = [
    replayed(0, String(AT_MS)),
    // Malformed text, a receipt in the future, and a missing one state nothing.
    replayed(1, 'yesterday'),
    replayed(2, String(laterMs + 1)),
    replayed(3, ''),
    // The event is days ahead of its receipt: a stated receipt in the future must not excuse it.
    proven(
      usageRecord(5, laterMs, [event(5, { occurred_at: laterMs + 10 * 86_400_000 })]),
      laterMs + 10 * 86_400_000,
    ),
    usageRecord(6, laterMs, [event(6)]),
    // A proof from any producer, or one for another value, key, topic or receipt, proves nothing.
    { ...once, headers: { [RECEIPT_HEADER]: Buffer.from(String(AT_MS)) } },
    { ...once, offset: 8n, headers: replayed(0, String(AT_MS)).headers },
    { ...proven(once, AT_MS, Buffer.alloc(32, 9)), offset: 9n },
    { ...proven(once, AT_MS, ID_KEY, 'another.topic'), offset: 10n },
    {
      ...proven(once, AT_MS),
      offset: 11n,
      headers: { ...proven(once, AT_MS).headers, [RECEIPT_HEADER]: Buffer.from(String(AT_MS - 1)) },
    },
  ]
  const log = await lettersOf(input)
  assert.deepEqual(
    log.rows('usage_events').map((row) => [row['record_offset'], row['received_at'], row['late']]),
    [[0n, laterMs, 1]],
  )
  assert.deepEqual(
    log.rows('dead_letters').map((row) => [row['record_offset'], row['reasons']]),
    [
      [1n, ['too_old']],
      [2n, ['too_old']],
      [3n, ['too_old']],
      [5n, ['in_the_future']],
      [6n, ['too_old']],
      ...[7n, 8n, 9n, 10n, 11n].map((offset) => [offset, ['too_old']]),
    ],
  )
})

test('one id with two contents: the first wins, whether in one record, one batch or much later', async () => {
  const first = event(1, { tokens_in: 1 })
  const other = event(1, { tokens_in: 2 })
  const sameId = event(2, { tokens_in: 1, event_text: formatUuid(eventId(1)) })
  const log = new AggregatorLog({
    input: [
      usageRecord(0, AT_MS, [first, other]),
      usageRecord(1, AT_MS, [other, first]),
      usageRecord(2, AT_MS, [other, sameId]),
    ],
  })
  await log.run([2, 1])
  assert.deepEqual(
    log.rows('usage_events').map((row) => row['tokens_in']),
    [1],
  )
  assert.deepEqual(
    log.rows('dead_letters').map((row) => [row['indexes'], row['reasons']]),
    [
      [[1], ['conflict']],
      [[0], ['conflict']],
      [[0], ['conflict']],
    ],
  )
})

test('the same id of another node is another event', async () => {
  const log = await lettersOf([usageRecord(0, AT_MS, [event(1), event(1, { node_id: 'node-2' })])])
  assert.equal(log.rows('usage_events').length, 2)
})

test('an event is late when its minute has ended at or before the watermark, its own record included', async () => {
  const minute = Math.floor(AT_MS / 60_000) * 60_000
  const end = minute + 60_000
  const watermarkAt = (watermark: number): number => watermark + 300_000
  const tick = (offset: number, watermark: number): LogRecord => ({
    ...usageRecord(offset, watermarkAt(watermark), []),
    value: tickCodec.encode({ written_by: 'test' }),
  })
  const input = [
    usageRecord(0, watermarkAt(end - 1), [event(0, { occurred_at: end - 1 })]),
    usageRecord(1, watermarkAt(end), [event(1, { occurred_at: end - 1 }), event(2, { occurred_at: end })]),
    // The clock falls back; the watermark does not.
    usageRecord(2, watermarkAt(end - 5_000), [event(3, { occurred_at: minute })]),
    tick(3, end + 60_000),
    usageRecord(4, watermarkAt(end), [
      event(4, { occurred_at: end + 59_999 }),
      event(5, { occurred_at: end + 60_000 }),
    ]),
  ]
  for (const cuts of [[], [1, 1, 1, 1, 1]]) {
    const log = new AggregatorLog({ input })
    await log.run(cuts)
    assert.deepEqual(
      log.rows('usage_events').map((row) => row['late']),
      [0, 1, 0, 1, 1, 0],
    )
    assert.equal(log.task()?.watermark, end + 60_000)
  }
})
