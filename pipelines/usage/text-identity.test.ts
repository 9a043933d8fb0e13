import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { avroType, framed, SCHEMA_ID, STATE_KEY, tickCodec, usageEventsCodec } from '../../schemas/avro.ts'
import { bitsBefore, identityOf, TEXTS_AS_BEFORE_MS } from '../../schemas/identity.ts'
import { formatUuid, readsAsId } from '../../schemas/ids.ts'
import type { AggregatorTask } from '../../schemas/records.ts'
import { RULES } from '../../schemas/since.ts'
import { WATERMARK_DELAY_MS } from '../../schemas/usage.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { UsageModel } from '../../services/verify/usage/model.ts'
import { AggregatorLog, usageRecord } from '../../test/support/records/aggregator-log.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'
import type { LogRecord } from '../log/records.ts'
import { acceptCloudEvent } from './accept/accept-cloudevent.ts'
import { acceptUsageEvent } from './accept/accept.ts'
import { Refusal } from '../json/refusal.ts'
import { newTask, textsAsBefore, textsUntil } from './record.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NOW = 472_222 * HOUR_MS
const DATA = { model_id: 'm', task_source: 'hive', tokens_in: 5, actual_usd_cost: '0.29' }

function taken(result: UsageEvent | Refusal): UsageEvent {
  assert.ok(!(result instanceof Refusal), JSON.stringify(result))
  return result
}

/** An event as it is sent over HTTP: plain, or as a CloudEvent. */
const plain = (event_id: string, more: object = {}): UsageEvent =>
  taken(acceptUsageEvent({ ...DATA, node_id: 'node-1', occurred_at: NOW, event_id, ...more }, NOW))
const cloudEvent = (id: string, source: string): UsageEvent => {
  const envelope = { specversion: '1.0', type: 'hivemeter.usage.v1', subject: 'node-1' }
  return taken(
    acceptCloudEvent({ ...envelope, id, source, time: new Date(NOW).toISOString(), data: DATA }, NOW),
  )
}
/** The same event over Kafka, with arbitrary bytes of its producer beside the text. */
const byKafka = (event_text: string, event_source: string | null, byte: number): UsageEvent => ({
  ...plain('x'),
  event_id: Buffer.alloc(16, byte),
  event_text,
  event_source,
})

const identities = (log: AggregatorLog): string[] =>
  log.rows('usage_events').map((row) => `${String(row['id_kind'])} ${String(row['event_id'])}`)
const nameOf = (event: UsageEvent): string => {
  const { kind, bytes } = identityOf(event)
  return `${kind} ${bytes.toString('hex')}`
}

/** The record as producers of the first version write it. */
function recordV1(offset: number, timestampMs: number, events: readonly UsageEvent[]): LogRecord {
  const value = framed(SCHEMA_ID.usageEventsV1, [avroType('usage-events.v1').toBuffer({ events })])
  return inputRecord(offset, timestampMs, value)
}

/** What verify makes of the same log: which events count, and the reasons of its dead letters. */
function verified(log: AggregatorLog): { counted: string[]; reasons: string[] } {
  const task = log.task()
  const model = new UsageModel({
    partition: 0,
    partitions: 1,
    models: [],
    modelsVersion: 0,
    since: task?.since ?? [],
    textsUntilMs: task?.texts_until ?? null,
  })
  const outcomes = log.input.map((record) => model.apply(record))
  return {
    counted: outcomes.flatMap(({ counted }) =>
      counted.map(({ identity }) => `${identity.kind} ${identity.hex}`),
    ),
    reasons: outcomes.flatMap(({ setAside }) => setAside?.reasons.map(({ reason }) => reason) ?? []),
  }
}

function assertVerified(log: AggregatorLog): void {
  const { counted, reasons } = verified(log)
  assert.deepEqual(counted, identities(log))
  const letters = log.rows('dead_letters').flatMap((row) => row['reasons'])
  assert.deepEqual(reasons, letters)
}

const anyId = fc.oneof(
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
  fc.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
  fc.stringMatching(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/),
  fc.string({ unit: fc.constantFrom('a', 'Z', '0', ' ', '/', 'ä', '€', '😀'), minLength: 1, maxLength: 36 }),
)
const anySource = fc.option(fc.constantFrom('/a', '/b', 'ä'), { nil: null })

test('one id is one event, whether it comes by HTTP, as a CloudEvent or by Kafka, and in whichever schema', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyId,
      anySource,
      fc.array(fc.nat(255), { minLength: 1, maxLength: 3 }),
      async (id, source, bytes) => {
        const sent = [
          plain(id, { source }),
          ...(source === null ? [] : [cloudEvent(id, source)]),
          ...bytes.map((byte) => byKafka(id, source, byte)),
        ]
        const input = sent.map((event, offset) => usageRecord(offset, NOW, [event]))
        // Without a source the first version holds the same.
        if (source === null) input.push(recordV1(input.length, NOW, sent))
        const log = new AggregatorLog({ input })
        await log.run()
        assert.deepEqual(identities(log), [nameOf(plain(id, { source }))])
        assert.equal(log.rows('usage_events')[0]?.['id_kind'], readsAsId(id) ? 'id' : 'text')
        assert.deepEqual(log.rows('dead_letters'), [])
        assertVerified(log)
      },
    ),
    { numRuns: 150 },
  )
})

test('one order id counts once, whatever bytes come beside it, and once more for each source that says it', async () => {
  const events = [
    plain('order 17'),
    byKafka('order 17', null, 1),
    byKafka('order 17', null, 2),
    cloudEvent('order 17', '/shop/1'),
    cloudEvent('order 17', '/shop/2'),
    plain('order 17', { source: '/shop/2' }),
    byKafka('order 17', '/shop/1', 3),
  ]
  const log = new AggregatorLog({ input: events.map((event, offset) => usageRecord(offset, NOW, [event])) })
  await log.singles(3)
  log.restart()
  await log.run()
  assert.deepEqual(
    identities(log),
    [0, 3, 4].map((at) => nameOf(events[at] as UsageEvent)),
  )
  assert.deepEqual(log.rows('dead_letters'), [])
  assertVerified(log)
})

test('the UUIDv8 of a text’s hash, sent as an id, is another event; so are the bits that a text has now', async () => {
  const text = plain('order 17')
  const ids = [bitsBefore('order 17'), identityOf(text).bytes].map((bits) => plain(formatUuid(bits)))
  for (const events of [
    [text, ...ids],
    [...ids, text],
  ]) {
    const log = new AggregatorLog({ input: [usageRecord(0, NOW, events)] })
    await log.run()
    assert.deepEqual(identities(log), events.map(nameOf))
    assert.equal(log.task()?.texts_until, null, 'an installation that begins with these rules')
    const costs = log.inbox().flatMap(({ entries }) => entries.map(({ cost }) => cost))
    assert.deepEqual(
      costs.map((cost) => `${cost?.id_kind} ${cost?.event_id.toString('hex')}`),
      events.map(nameOf),
    )
    assertVerified(log)
  }
})

/** A log whose first record was counted by the earlier rules: its text under the bytes that came with it. */
async function upgraded(): Promise<AggregatorLog> {
  // Those rules used only the bytes, so an id with the same bits leaves the same in memory and table.
  const counted = plain(formatUuid(bitsBefore('order 17')))
  const log = new AggregatorLog({ input: [usageRecord(0, NOW, [counted])] })
  await log.step(1)
  const task = log.task() as AggregatorTask
  const since = [{ rules: 2, offset: 0 }]
  const value = framed(SCHEMA_ID.aggregatorTaskV3, [
    avroType('aggregator-task.v3').toBuffer({ ...task, since }),
  ])
  log.stateRecords = log.stateRecords.map((record) =>
    String(record.key) === STATE_KEY.task ? { ...record, value } : record,
  )
  log.restart()
  log.input = [recordV1(0, NOW, [{ ...counted, event_text: 'order 17' }])]
  return log
}

test('what was counted before counts once across the change, and the same text with another content is a conflict', async () => {
  const log = await upgraded()
  const sent = [
    plain('order 17'),
    cloudEvent('order 17', '/shop/1'),
    byKafka('order 17', null, 5),
    plain('order 17', { actual_usd_cost: '7' }),
    plain('order 18'),
    plain('order 18'),
  ]
  log.input = [...log.input, ...sent.map((event, at) => usageRecord(1 + at, NOW + at, [event]))]
  await log.singles(2)
  log.restart()
  await log.run()
  const { since, texts_until } = log.task() as AggregatorTask
  assert.deepEqual(
    since.map(({ rules, offset }) => [rules, offset]),
    [
      [2, 0],
      [RULES, 1],
    ],
  )
  assert.equal(texts_until, NOW + TEXTS_AS_BEFORE_MS)
  assert.deepEqual(identities(log), [
    `id ${bitsBefore('order 17').toString('hex')}`,
    nameOf(plain('order 18')),
  ])
  assert.deepEqual(
    log.rows('dead_letters').map((row) => [row['record_offset'], row['reasons']]),
    [[4n, ['conflict']]],
  )
  assertVerified(log)
})

test('what has left memory is looked up by both, and found by the one that it was counted by', async () => {
  const log = await upgraded()
  const laterMs = NOW + 4 * DAY_MS
  log.input = [
    ...log.input,
    inputRecord(1, laterMs, tickCodec.encode({ written_by: 'test' })),
    usageRecord(2, laterMs, [
      plain('order 17'),
      plain('order 18'),
      plain('order 17', { actual_usd_cost: '7' }),
    ]),
    usageRecord(3, laterMs, [plain('order 18')]),
  ]
  await log.singles(1)
  assert.equal(log.pool.held, 0)
  await log.run()
  const asked = log.lookups.map((keys) =>
    keys.map(({ kind, eventId }) => `${kind} ${eventId.toString('hex')}`),
  )
  const bothOf = (text: string): string[] => [nameOf(plain(text)), `id ${bitsBefore(text).toString('hex')}`]
  assert.deepEqual(asked, [[...bothOf('order 17'), ...bothOf('order 18')]])
  assert.deepEqual(identities(log), [
    `id ${bitsBefore('order 17').toString('hex')}`,
    nameOf(plain('order 18')),
  ])
  assert.deepEqual(
    log.rows('dead_letters').map((row) => [row['record_offset'], row['reasons'], row['indexes']]),
    [[2n, ['conflict'], [2]]],
  )
  assertVerified(log)
})

test('texts are looked up as before for 36 days of log time after the change, and where nothing was counted not at all', () => {
  const task = newTask(Buffer.alloc(8))
  assert.equal(textsUntil(task), null)
  const before = {
    ...task,
    position: 5,
    watermark: NOW - WATERMARK_DELAY_MS,
    since: [{ rules: 2, offset: 0 }],
  }
  const until = NOW + TEXTS_AS_BEFORE_MS
  assert.equal(textsUntil(before), until)
  const since = [...before.since, { rules: RULES, offset: 5 }]
  const goesOn = { ...before, since, texts_until: until }
  assert.equal(textsUntil({ ...goesOn, watermark: NOW + DAY_MS }), until)
  for (const [logTimeMs, expected] of [
    [NOW, true],
    [until - 1, true],
    [until, false],
  ] as const) {
    assert.equal(textsAsBefore({ ...goesOn, watermark: logTimeMs - WATERMARK_DELAY_MS }), expected)
  }
})

test('a record of version 2 from before the change stays the letter that it was', () => {
  const value = usageEventsCodec.encode({ events: [plain('order 17')] })
  const since = [{ rules: RULES, offset: 1 }]
  const model = new UsageModel({ partition: 0, partitions: 1, models: [], modelsVersion: 0, since })
  const outcomes = [0, 1].map((offset) => model.apply(inputRecord(offset, NOW, value)))
  assert.deepEqual(
    outcomes.map(({ counted, setAside }) => [counted.length, setAside?.reasons[0]?.reason]),
    [
      [0, 'unknown_schema'],
      [1, undefined],
    ],
  )
})
