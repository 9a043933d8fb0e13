import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aggregatorTaskCodec, STATE_KEY } from '../../schemas/avro.ts'
import { COMPILED_TABLE, ModelTable } from '../../schemas/model-table.ts'
import { AggregatorLog, usageRecord } from '../../test/support/records/aggregator-log.ts'
import { eventId, usageEvent } from '../../test/support/records/usage-events.ts'

/** Which table of models a task uses, and from where on. */

const AT_MS = Date.UTC(2026, 1, 20, 12)
const call = (number: number) =>
  usageRecord(number, AT_MS, [
    usageEvent({
      event_id: eventId(number),
      occurred_at: AT_MS,
      model_id: 'openai/gpt-9',
      tokens_in: 3_600,
      tokens_out: 0,
    }),
  ])
const tableOf = (version: number, paid_api = true) =>
  new ModelTable(version, [{ pattern: 'gpt-*', paid_api, tdp_watts: 1_000 * version }])

/** The tables of a process, which the test puts in force. */
class Known {
  table: ModelTable = COMPILED_TABLE
  readonly asked: (readonly [partition: number, version: number])[] = []

  newestFor(partition: number, version: number): ModelTable | null {
    this.asked.push([partition, version])
    return this.table.version >= version ? this.table : null
  }
}

const judged = (log: AggregatorLog) =>
  log
    .rows('usage_events')
    .map((row) => [Number(row['models_version']), row['energy_mwh_estimated'], row['energy_mwh_compatible']])

test('another table holds from the next transaction on, is written with it, and no name is kept from before', async () => {
  const models = new Known()
  const log = new AggregatorLog({ input: [call(0), call(1), call(2), call(3)], models })
  await log.step(1)
  models.table = tableOf(2)
  await log.step(2)
  models.table = tableOf(3, false)
  await log.step(1)
  assert.deepEqual(judged(log), [
    [1, 170n, 170n],
    [2, 2_000n, 1_000n],
    [2, 2_000n, 1_000n],
    [3, 3_000n, 3_000n],
  ])
  assert.deepEqual(
    log.values('usage.ids', STATE_KEY.task).map((value) => {
      const { models_version, models: held } = aggregatorTaskCodec.decode(value)
      return [models_version, held.length]
    }),
    [
      [1, 0],
      [2, 0],
      [3, 0],
    ],
  )
})

test('what a lost transaction was judged by is judged anew, by what holds then', async () => {
  const models = new Known()
  const log = new AggregatorLog({ input: [call(0)], models })
  models.table = tableOf(2)
  await log.step(1, 'lost')
  models.table = tableOf(3)
  await log.step(1)
  assert.deepEqual(judged(log), [[3, 3_000n, 1_000n]])
})

test('a task that has judged by a newer table than its process knows waits for it, and never goes back', async () => {
  const models = new Known()
  const log = new AggregatorLog({ input: [call(0), call(1)], models })
  models.table = tableOf(4)
  await log.step(1)
  log.restart()
  models.table = tableOf(3)
  const waiting = await log.step(1)
  assert.deepEqual([waiting.pause, waiting.position, waiting.appends.length], ['models_not_read', 1n, 0])
  assert.deepEqual(models.asked.at(-1), [0, 4])
  assert.equal(log.rows('usage_events').length, 1)
  models.table = tableOf(5)
  await log.step(1)
  assert.deepEqual(
    judged(log).map(([version]) => version),
    [4, 5],
  )
})
