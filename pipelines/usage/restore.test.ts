import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STATE_KEY, aggregatorTaskCodec, modelsCodec, tickCodec } from '../../schemas/avro.ts'
import { MODELS_VERSION } from '../../schemas/models.ts'
import { AggregatorLog, ID_KEY, usageRecord } from '../../test/support/records/aggregator-log.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'
import { eventId, usageEvent } from '../../test/support/records/usage-events.ts'
import { FatalError, HaltError } from '../log/records.ts'
import { UNLOADED_AGE_MS_MAX, UNLOADED_GRACE_MS } from '../blocks/unloaded.ts'
import { IdKeyError } from './task-options.ts'

const AT_MS = 1_700_000_000_000
const event = (id: number) => usageEvent({ event_id: eventId(id), occurred_at: AT_MS })
const halts = (reason: string) => (error: unknown) => error instanceof HaltError && error.reason === reason

test('a restored task knows what was accepted, and what was not committed it accepts again', async () => {
  const input = [1, 2, 1, 2].map((id, offset) => usageRecord(offset, AT_MS, [event(id)]))
  const log = new AggregatorLog({ input })
  await log.step(1, 'commit')
  await log.step(1, 'lost')
  assert.equal(log.position, 1n)
  assert.equal(log.pool.held, 1)
  await log.run()
  assert.equal(log.rows('usage_events').length, 2)
  assert.equal(log.pool.held, 2)
  log.state.dispose()
  assert.equal(log.pool.held, 0)
})

test('another id key ends the process: identities would not meet', async () => {
  const log = new AggregatorLog({ input: [usageRecord(0, AT_MS, [event(1)])] })
  await log.run()
  const other = new AggregatorLog({ idKey: Buffer.alloc(32, 8) })
  other.stateRecords = log.stateRecords
  assert.throws(
    () => other.restart(),
    (error) => error instanceof IdKeyError && error instanceof FatalError,
  )
  const same = new AggregatorLog({ idKey: Buffer.from(ID_KEY) })
  same.stateRecords = log.stateRecords
  same.restart()
  assert.equal(same.position, 1n)
})

test('a task halts where its state or its input has lost what it needs', async () => {
  const log = new AggregatorLog({ input: [usageRecord(0, AT_MS, [event(1)])] })
  await log.run()
  log.input = [usageRecord(2, AT_MS, [event(1)])]
  assert.throws(() => log.restart(), halts('input_deleted'))
  log.input = []
  log.stateRecords = log.stateRecords.filter(({ key }) => String(key) !== '!task')
  assert.throws(() => log.restart(), halts('task_record_missing'))
  log.stateRecords = log.stateRecords.filter(({ key }) => String(key) === '!fence')
  log.restart()
  assert.equal(log.position, 0n, 'fences alone are a new partition')
  log.input = [usageRecord(1, AT_MS, [event(1)])]
  assert.throws(() => log.restart(), halts('input_deleted'))
})

const paidCall = (id: number) => ({ ...event(id), model_id: 'claude', tokens_in: 1_000_000 })

/** A table that turns paid calls into own work of two gigawatts. */
const STRANGERS = {
  version: 2_147_483_647,
  models: [{ model_id: 'claude', paid_api: false, tdp_watts: 2_000_000_000 }],
}

test('no record of usage.metered brings a table of models: a producer’s is a letter, from the first event on', async () => {
  const log = new AggregatorLog({
    input: [
      usageRecord(0, AT_MS, [paidCall(1)]),
      inputRecord(1, AT_MS, modelsCodec.encode(STRANGERS)),
      usageRecord(2, AT_MS, [paidCall(2)]),
    ],
  })
  assert.equal(log.toAppend.length, 0)
  await log.run()
  const rows = log.rows('usage_events')
  assert.deepEqual(
    rows.map((row) => [row['models_version'], row['energy_mwh_compatible']]),
    [
      [MODELS_VERSION, 1_000n],
      [MODELS_VERSION, 1_000n],
    ],
  )
  assert.deepEqual(
    log.rows('dead_letters').map((row) => [row['record_offset'], row['reasons']]),
    [[1n, ['unknown_schema']]],
  )
})

test('a table that a producer’s record has put into a task of before is replaced when it is restored', async () => {
  const log = new AggregatorLog({ input: [usageRecord(0, AT_MS, [paidCall(1)])] })
  await log.run()
  log.stateRecords = log.stateRecords.map((record) => {
    if (String(record.key) !== STATE_KEY.task || record.value === null) return record
    const task = aggregatorTaskCodec.decode(record.value)
    const { version, models } = STRANGERS
    const before = { ...task, models_version: version, models, since: [{ rules: 2, offset: 0 }] }
    return { ...record, value: aggregatorTaskCodec.encode(before) }
  })
  log.restart()
  log.input = [...log.input, usageRecord(1, AT_MS, [paidCall(2)])]
  await log.run()
  assert.deepEqual(
    log.rows('usage_events').map((row) => [row['models_version'], row['energy_mwh_compatible']]),
    [
      [MODELS_VERSION, 1_000n],
      [MODELS_VERSION, 1_000n],
    ],
  )
  assert.equal(log.task()?.models_version, MODELS_VERSION)
})

test('a tick moves the watermark, hands it over and ends the group', async () => {
  const tick = (offset: number, atMs: number) =>
    inputRecord(offset, atMs, tickCodec.encode({ written_by: 'test' }))
  const log = new AggregatorLog({
    input: [usageRecord(0, AT_MS, [event(1)]), usageRecord(1, AT_MS, [event(2)]), tick(2, AT_MS + 9_000)],
  })
  await log.singles(3)
  assert.deepEqual(
    log.inbox().map(({ watermark }) => watermark - AT_MS + 300_000),
    [0, 0, 9_000],
  )
  assert.deepEqual(
    log
      .blocks()
      .filter(({ table }) => table === 'watermarks')
      .map(({ ends }) => ends),
    [true, false, true],
  )
})

test('every transaction writes the task record last, and an inbox record even when nothing came of the batch', async () => {
  const log = new AggregatorLog({ input: [usageRecord(0, AT_MS, []), inputRecord(1, AT_MS, null)] })
  for (const _ of [1, 2]) {
    const before = log.committed.length
    await log.step(1)
    const written = log.committed.slice(before)
    assert.equal(written.at(-1)?.key, '!task')
    assert.equal(written.filter(({ topic }) => topic === 'account.inbox').length, 1)
  }
})

test('a batch that was filtered away writes nothing', async () => {
  const log = new AggregatorLog()
  const decision = await log.state.decide({ records: [], nextOffset: 0n })
  assert.deepEqual([decision.appends, decision.position, decision.pause], [[], 0n, null])
})

/** More than three days. */
const LATER = UNLOADED_AGE_MS_MAX + 1

test('a task halts when its blocks have waited 3 days for ClickHouse', async () => {
  const log = new AggregatorLog({
    input: [0, LATER, LATER + UNLOADED_GRACE_MS, LATER + UNLOADED_GRACE_MS + 1].map((laterMs, offset) =>
      inputRecord(offset, AT_MS + laterMs, tickCodec.encode({ written_by: 'test' })),
    ),
  })
  log.loadedSeq = 0
  await log.singles(3)
  await assert.rejects(log.step(1), halts('unloaded_blocks'))
  log.loadedSeq = 'all'
  log.restart()
  await log.run()
  assert.equal(log.task()?.position, 4)
})

test('many new ids of one batch stand in several records, and all of them come back', async () => {
  const perRecord = 10_000
  const records = 4
  const input = Array.from({ length: records }, (_, record) =>
    usageRecord(
      record,
      AT_MS,
      Array.from({ length: perRecord }, (_, index) => event(record * perRecord + index)),
    ),
  )
  const log = new AggregatorLog({ input })
  await log.run()
  assert.equal(log.values('usage.ids', '!ids').length, 2)
  assert.equal(log.pool.held, records * perRecord)
  log.restart()
  assert.equal(log.pool.held, records * perRecord)
})
