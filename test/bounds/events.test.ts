import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonPointer } from '../../pipelines/json/refusal.ts'
import { acceptUsageEvent } from '../../pipelines/usage/accept/accept.ts'
import { Refusal } from '../../pipelines/json/refusal.ts'
import { UsageColumns } from '../../pipelines/usage/decode.ts'
import { Dictionary, DICTIONARY_ENTRIES_MAX } from '../../pipelines/windows/dictionary.ts'
import { HandOver } from '../../pipelines/usage/hand-over.ts'
import { EVENTS_PER_BATCH_MAX, SUM_COLUMNS, SUMS } from '../../pipelines/windows/deltas.ts'
import { NODE_ID_BYTES_MAX, TEXT_CODE_POINTS_MAX } from '../../schemas/ids.ts'
import { USAGE_BOUNDS } from '../../schemas/usage.ts'
import { AggregatorLog, usageRecord } from '../support/records/aggregator-log.ts'
import { bound } from '../support/oracles/named-bounds.ts'
import { readBlock } from '../support/oracles/row-reader.ts'
import { eventId, usageEvent } from '../support/records/usage-events.ts'

const NOW = Date.UTC(2026, 10, 21, 12)

test('NODE_ID_BYTES_MAX and TEXT_CODE_POINTS_MAX: one more is refused by name', () => {
  const code = (fields: object): string => {
    const event = { event_id: 'e', node_id: 'n', model_id: 'm', task_source: 'hive', occurred_at: NOW }
    const result = acceptUsageEvent({ ...event, ...fields }, NOW)
    return result instanceof Refusal ? `${result.code} ${result.path}` : 'taken'
  }
  for (const field of ['node_id', 'operator_id', 'goal_id', 'requester_node_id', 'reservation_id']) {
    assert.equal(code({ [field]: 'n'.repeat(NODE_ID_BYTES_MAX) }), 'taken')
    assert.equal(code({ [field]: 'n'.repeat(NODE_ID_BYTES_MAX + 1) }), `invalid_id /${field}`)
  }
  for (const field of ['event_id', 'model_id']) {
    assert.equal(code({ [field]: '😀'.repeat(TEXT_CODE_POINTS_MAX) }), 'taken')
    assert.equal(code({ [field]: '😀'.repeat(TEXT_CODE_POINTS_MAX + 1) }), `invalid_text /${field}`)
  }
})

test('NAME_LENGTH_MAX: a refusal repeats so much of a name that a client made up', () => {
  const nameMax = bound('pipelines/json/refusal.ts', 'NAME_LENGTH_MAX')
  assert.equal(jsonPointer('x'.repeat(nameMax)), `/${'x'.repeat(nameMax)}`)
  assert.equal(jsonPointer('x'.repeat(nameMax + 1)), `/${'x'.repeat(nameMax)}`)
})

test('HAND_OVER_SUM_MAX: a cost that reaches it ends the inbox record, and no sum leaves exact doubles', () => {
  const costMax = bound('pipelines/usage/hand-over.ts', 'HAND_OVER_SUM_MAX')
  const columns = new UsageColumns()
  columns.decode(usageRecord(0, NOW, [usageEvent({ cost_nano_usd: 1 })]).value ?? Buffer.alloc(0))
  const handOver = new HandOver(columns)
  const values = new Float64Array(SUM_COLUMNS)
  values[SUMS.costNanoUsd] = costMax - 1
  handOver.add(0, values, NOW)
  assert.equal(handOver.isFull(), false)
  values[SUMS.costNanoUsd] = 1
  handOver.add(0, values, NOW)
  assert.equal(handOver.isFull(), true)
  // The largest event, added to the largest sum that is not cut.
  assert.ok(Number.isSafeInteger(costMax - 1 + 1e15))
})

test('EVENTS_PER_BATCH_MAX: the record that passes it begins the next batch, and each is counted', async () => {
  const perRecord = USAGE_BOUNDS.eventsPerRecordMax
  const whole = Math.floor(EVENTS_PER_BATCH_MAX / perRecord)
  const events = Array.from({ length: perRecord }, (_, index) =>
    usageEvent({ event_id: eventId(index), occurred_at: NOW }),
  )
  // The same events again and again, which takes less time; the new ones follow them.
  const again = usageRecord(0, NOW, events)
  const fresh = (offset: number) =>
    usageRecord(offset, NOW, [usageEvent({ event_id: eventId(1e6 + offset), occurred_at: NOW })])
  const input = Array.from({ length: whole }, (_, offset) => ({ ...again, offset: BigInt(offset) }))
  input.push(fresh(whole), fresh(whole + 1))
  const log = new AggregatorLog({ input })
  const ends: number[] = []
  while (log.position < input.length) {
    const { position, pause } = await log.step(input.length)
    assert.equal(pause, null)
    ends.push(Number(position))
  }
  assert.deepEqual(ends, [whole, whole + 2])
  assert.equal(log.rows('usage_events').length, perRecord + 2)
})

test('DICTIONARY_ENTRIES_MAX: strings are forgotten before the next batch, and what is counted stays right', async (t) => {
  const perRecord = 10_000
  const records = Array.from({ length: DICTIONARY_ENTRIES_MAX / perRecord }, (_, record) =>
    usageRecord(
      record,
      NOW,
      Array.from({ length: perRecord }, (_, index) => {
        const number = record * perRecord + index
        // With the node itself, as many strings as the bound.
        return usageEvent({
          event_id: eventId(number),
          occurred_at: NOW,
          model_id: `m${Math.max(1, number)}`,
        })
      }),
    ),
  )
  const one = (offset: number, model_id: string) =>
    usageRecord(offset, NOW, [usageEvent({ event_id: eventId(1e6 + offset), occurred_at: NOW, model_id })])
  const at = records.length
  const log = new AggregatorLog({ input: [...records, one(at, 'm7'), one(at + 1, 'new'), one(at + 2, 'm7')] })
  const forgets = t.mock.method(Dictionary.prototype, 'clear')
  while (log.position < at) await log.step(1)
  await log.step(1)
  assert.equal(forgets.mock.callCount(), 0, 'at the bound')
  await log.step(1)
  assert.equal(forgets.mock.callCount(), 0, 'the batch that goes beyond it is counted with what is there')
  await log.step(1)
  assert.equal(forgets.mock.callCount(), 3, 'nodes, models, operators')
  assert.equal(log.task()?.position, at + 3)
  assert.deepEqual(
    log
      .inbox()
      .slice(-3)
      .map(({ sums }) => sums.map(({ node_id, events }) => [node_id, events])),
    [[['node-1', 1]], [['node-1', 1]], [['node-1', 1]]],
  )
  const minutes = log.committed
    .slice(-21)
    .filter(({ topic }) => topic === 'usage.blocks')
    .map(readBlock)
    .filter(({ table }) => table === 'usage_1m')
  assert.deepEqual(minutes.flatMap(({ rows }) => rows.map((row) => row['model_id'])).slice(-2), ['new', 'm7'])
})
