import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tickCodec } from '../../schemas/avro.ts'
import { AggregatorLog, usageRecord } from '../../test/support/records/aggregator-log.ts'
import { eventId, usageEvent } from '../../test/support/records/usage-events.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'
import type { LogRecord } from '../log/records.ts'
import { BUCKET_MS, ID_AGE_MS_MAX } from '../dedupe/id-memory.ts'

const HOUR_MS = BUCKET_MS
const START_MS = 472_222 * HOUR_MS

/** One record an hour, of the events with these ids; an event's time is its id in minutes. */
const event = (id: number, fields: Parameters<typeof usageEvent>[0] = {}) =>
  usageEvent({
    event_id: eventId(id),
    occurred_at: START_MS - 3 * HOUR_MS + id * 60_000,
    cost_nano_usd: 1,
    ...fields,
  })
const hourly = (idsOfRecords: readonly (readonly number[])[]): LogRecord[] =>
  idsOfRecords.map((ids, hour) =>
    usageRecord(
      hour,
      START_MS + hour * HOUR_MS,
      ids.map((id) => event(id)),
    ),
  )

const idsOf = (log: AggregatorLog): number[] =>
  log.rows('usage_events').map((row) => Number(`0x${String(row['event_id'])}`))

test('what leaves memory raises `low`, and a repeat of it is found in ClickHouse', async () => {
  // The third hour needs room: the bucket of the first two records (closed with the hour) leaves.
  const log = new AggregatorLog({ input: hourly([[1, 2], [3], [4, 5, 6], [1, 4], [3]]), idsMax: 5 })
  await log.singles(5)
  assert.deepEqual(idsOf(log), [1, 2, 3, 4, 5, 6])
  const task = log.task()
  assert.equal(task?.low, event(3).occurred_at)
  assert.ok(task.evicted_seq > 0)
  // Id 4 is above `low`: memory alone decides. There is one look-up for each record with old ids.
  assert.deepEqual(
    log.lookups.map((keys) => keys.map(({ eventId }) => eventId.readUInt32BE(12))),
    [[1], [3]],
  )
})

test('old ids are asked for once a batch, whatever its records', async () => {
  const input = hourly([[1, 2], [3], [4, 5, 6, 7, 8], [1, 2], [2, 3], [3, 7], [1]])
  const log = new AggregatorLog({ input, idsMax: 7 })
  await log.singles(3)
  await log.run()
  assert.deepEqual(idsOf(log), [1, 2, 3, 4, 5, 6, 7, 8])
  assert.deepEqual(
    log.lookups.map((keys) => keys.map(({ eventId }) => eventId.readUInt32BE(12))),
    [[1, 2, 3]],
  )
})

test('two new copies of an old event in one batch count once', async () => {
  const log = new AggregatorLog({ input: hourly([[2, 3], [4], [5, 6], [1, 1], [1]]), idsMax: 4 })
  await log.singles(3)
  await log.run()
  assert.deepEqual(idsOf(log), [2, 3, 4, 5, 6, 1])
})

test('an id of old with another content is a conflict: the first wins', async () => {
  const input = [
    ...hourly([[1, 2], [3], [4, 5]]),
    usageRecord(3, START_MS + 3 * HOUR_MS, [event(1, { cost_nano_usd: 999 })]),
  ]
  const log = new AggregatorLog({ input, idsMax: 4 })
  await log.singles(4)
  assert.deepEqual(idsOf(log), [1, 2, 3, 4, 5])
  assert.deepEqual(
    log.rows('dead_letters').map((row) => [row['record_offset'], row['reasons'], row['indexes']]),
    [[3n, ['conflict'], [0]]],
  )
})

test('while ClickHouse is away the task stops before the record, ends the group, and counts nothing twice', async () => {
  const input = hourly([[1, 2], [3], [4, 5], [6], [7, 1], [8]])
  const log = new AggregatorLog({ input, idsMax: 6 })
  await log.singles(3)
  log.away = true
  const stopped = await log.step(10)
  assert.equal(stopped.pause, 'lookup_unavailable')
  assert.equal(stopped.position, 4n)
  assert.equal(log.task()?.position, 4, 'what stood before the record is committed')
  assert.equal(log.blocks().at(-1)?.ends, true)
  assert.deepEqual(idsOf(log), [1, 2, 3, 4, 5, 6])
  const { length } = log.committed
  const again = await log.step(10)
  assert.deepEqual([again.pause, again.position, log.committed.length], ['lookup_unavailable', 4n, length])
  log.away = false
  await log.run()
  assert.deepEqual(idsOf(log), [1, 2, 3, 4, 5, 6, 7, 8])
})

test('a replica that has not loaded what left memory counts as away', async () => {
  const log = new AggregatorLog({ input: hourly([[1, 2], [3], [4, 5], [1]]), idsMax: 4 })
  await log.singles(3)
  log.loadedSeq = (log.task()?.evicted_seq ?? 0) - 1
  const stopped = await log.step(1)
  assert.equal(stopped.pause, 'lookup_unavailable')
})

test('room made for a record that had to wait is not forgotten with it', async () => {
  // The record that makes room looks up an id that has just left. No group is open, so nothing is written in the meantime.
  const [first, second, third] = hourly([[1, 2], [3], [1, 4]])
  const tick = inputRecord(2, START_MS + 2 * HOUR_MS, tickCodec.encode({ written_by: 'test' }))
  const input = [first, second, tick, { ...third, offset: 3n }] as LogRecord[]
  const log = new AggregatorLog({ input, idsMax: 4 })
  await log.singles(3)
  log.away = true
  assert.equal((await log.step(1)).pause, 'lookup_unavailable')
  assert.equal((await log.step(1)).pause, 'lookup_unavailable')
  log.away = false
  await log.run()
  assert.deepEqual(idsOf(log), [1, 2, 3, 4])
})

test('ids leave only when their rows are in ClickHouse; a full memory rests, and goes on when they are', async () => {
  const log = new AggregatorLog({ input: hourly([[1, 2], [3], [4, 5]]), idsMax: 4 })
  log.loadedSeq = 0
  await log.singles(2)
  const full = await log.step(1)
  assert.deepEqual([full.pause, full.position], ['ids_full', 2n])
  assert.equal(log.pool.held, 3)
  log.loadedSeq = 'all'
  await log.run()
  assert.deepEqual(idsOf(log), [1, 2, 3, 4, 5])
  assert.ok(log.pool.held <= 4)
})

test('a full memory whose only bucket is still open goes on too', async () => {
  const input = [
    [1, 2],
    [3, 4],
    [5, 1],
  ].map((ids, index) =>
    usageRecord(
      index,
      START_MS + index,
      ids.map((id) => event(id)),
    ),
  )
  const log = new AggregatorLog({ input, idsMax: 4 })
  await log.singles(3)
  assert.deepEqual(idsOf(log), [1, 2, 3, 4, 5])
  assert.ok(log.pool.held <= 4)
})

test('ids leave by age, and the state topic forgets them with the commit that says so', async () => {
  const laterMs = START_MS + ID_AGE_MS_MAX + 3 * HOUR_MS
  const input = [
    ...hourly([[1, 2], [3]]),
    usageRecord(2, laterMs, [event(4, { occurred_at: laterMs })]),
    usageRecord(3, laterMs, [event(1)]),
  ]
  const log = new AggregatorLog({ input })
  await log.singles(2)
  const before = log.stateRecords.length
  await log.step(1)
  assert.equal(log.pool.held, 1)
  assert.ok(log.stateRecords.length < before)
  const keys = log.stateRecords.map(({ key }) => String(key))
  assert.equal(keys.at(-1), '!task', 'the newest task record always stays')
  assert.equal(keys.filter((key) => key === '!ids').length, 1)
  log.restart()
  assert.equal(log.pool.held, 1)
  await log.run()
  assert.deepEqual(idsOf(log), [1, 2, 3, 4])
})
