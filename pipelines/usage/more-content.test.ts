import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_MORE } from '../../schemas/usage.ts'
import type { UsageMore } from '../../schemas/usage.ts'
import { UsageModel } from '../../services/verify/usage/model.ts'
import { AggregatorLog, usageRecord } from '../../test/support/records/aggregator-log.ts'
import { eventId, usageEvent } from '../../test/support/records/usage-events.ts'
import { energyOfGpuTime } from '../../schemas/usage.ts'

const AT_MS = 1_700_000_000_000

const label = (name: string, value = 'x') => ({ name, value })
const event = (more: Partial<UsageMore> | null, fields: object = {}) =>
  usageEvent({
    event_id: eventId(1),
    occurred_at: AT_MS,
    tokens_in: 100,
    tokens_out: 100,
    more: more === null ? null : { ...NO_MORE, ...more },
    ...fields,
  })

/** What happens with two copies under one id: in the task, and in verify. */
async function fateOf(first: Partial<UsageMore> | null, second: Partial<UsageMore> | null): Promise<string> {
  const input = [usageRecord(0, AT_MS, [event(first)]), usageRecord(1, AT_MS, [event(second)])]
  const log = new AggregatorLog({ input })
  await log.run()
  assert.equal(log.rows('usage_events').length, 1)
  const fate = log.rows('dead_letters').length === 0 ? 'repeat' : 'conflict'
  const model = new UsageModel({
    partition: 0,
    partitions: 1,
    models: [],
    modelsVersion: 0,
    since: log.task()?.since ?? [],
  })
  const outcomes = input.map((record) => model.apply(record))
  assert.equal(outcomes[1]?.setAside === null ? 'repeat' : 'conflict', fate, 'verify says the same')
  return fate
}

test('a copy that says a default, or labels in another order, is a repeat', async () => {
  assert.equal(await fateOf(null, {}), 'repeat')
  assert.equal(await fateOf({}, null), 'repeat')
  const [a, b] = [label('a'), label('b')]
  assert.equal(await fateOf({ labels: [a, b] }, { labels: [b, a] }), 'repeat')
})

test('a copy that says anything else is a conflict', async () => {
  for (const more of [
    { gpus: 2 },
    { inferences: 2 },
    { tokens_cached: 0 },
    { tokens_reasoning: 0 },
    { execution: 'api' },
    { execution: 'local' },
    { labels: [label('a')] },
  ] as const) {
    assert.equal(await fateOf(null, more), 'conflict', JSON.stringify(more))
    assert.equal(await fateOf(more, more), 'repeat', JSON.stringify(more))
  }
  assert.equal(await fateOf({ tokens_cached: 0 }, { tokens_reasoning: 0 }), 'conflict')
  assert.equal(await fateOf({ labels: [label('ab', 'c')] }, { labels: [label('a', 'bc')] }), 'conflict')
})

test('what an event says of its execution wins over the table of models', async () => {
  const rowOf = async (model_id: string, more: Partial<UsageMore> | null, fields: object = {}) => {
    const log = new AggregatorLog({ input: [usageRecord(0, AT_MS, [event(more, { model_id, ...fields })])] })
    await log.run()
    const [row] = log.rows('usage_1m')
    return ['gpu_ms_estimated', 'gpu_ms_paid_estimated', 'energy_mwh_compatible', 'inferences'].map(
      (name) => row?.[name],
    )
  }
  assert.deepEqual(await rowOf('claude', null), [200n, 200n, 1_000n, 1n])
  assert.deepEqual(await rowOf('claude', { execution: 'local' }), [200n, 0n, 9n, 1n])
  assert.deepEqual(await rowOf('unknown', null), [200n, 0n, 9n, 1n])
  assert.deepEqual(await rowOf('unknown', { execution: 'api' }), [200n, 200n, 1_000n, 1n])
  // GPU time that was given is no estimate, and 270 calls are 270 times 0.001 kWh.
  assert.deepEqual(await rowOf('claude', null, { gpu_ms: 7 }), [0n, 0n, 1_000n, 1n])
  assert.deepEqual(await rowOf('claude', { inferences: 270 }), [200n, 200n, 270_000n, 270n])
})

test('energy of the longest GPU time is exact', () => {
  const exact = (gpuMs: number, watts: number): number => {
    const product = BigInt(gpuMs) * BigInt(watts)
    const whole = product / 3_600n
    const twice = (product % 3_600n) * 2n
    return Number(twice > 3_600n || (twice === 3_600n && whole % 2n === 1n) ? whole + 1n : whole)
  }
  for (const gpuMs of [0, 180, 540, 2 ** 33 - 1, 2 ** 33, 2 ** 33 + 1_799, 619_315_200_000, 2e12 - 1, 2e12])
    for (const watts of [0, 1, 170, 12_345, 1_000_000])
      assert.equal(energyOfGpuTime(gpuMs, watts), exact(gpuMs, watts), `${gpuMs} ms at ${watts} W`)
})
