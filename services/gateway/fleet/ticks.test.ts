import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../../pipelines/logger.ts'
import { isOfGateway } from '../../../pipelines/log/tick.ts'
import { inputRecord } from '../../../test/support/records/task-log.ts'
import { CountedMetrics } from '../../../test/support/oracles/counted-metrics.ts'
import { NOW } from '../app-fixture.ts'
import { ManualClock, MemoryLog, settled } from '../fixtures.ts'
import { fleetQueue } from './fleet-queue.ts'
import { FIRST_TICK_MS, FleetTicks, TICK_PAUSE_MS } from './ticks.ts'

const PARTITIONS = 3

async function ticking() {
  const clock = new ManualClock(NOW)
  const log = new MemoryLog(clock)
  const metrics = new CountedMetrics()
  const queue = fleetQueue({ producer: log, partitions: PARTITIONS, clock, logger: silentLogger, metrics })
  const ticks = new FleetTicks({ queue, partitions: PARTITIONS, clock, metrics })
  queue.start()
  ticks.start()
  await settled()
  await settled()
  /** Lets time pass; returns the partitions that got ticks meanwhile. */
  const pass = async (timeMs: number): Promise<number[]> => {
    const before = log.records.length
    await clock.pass(timeMs)
    await settled()
    await settled()
    const written = log.records.slice(before)
    for (const { value } of written) assert.ok(isOfGateway(inputRecord(0, NOW, value)))
    return written.map(({ partition }) => partition)
  }
  return { log, queue, ticks, metrics, pass }
}

test('every partition gets a tick soon after the start, and one each 30 seconds', async () => {
  const { pass, metrics, ticks } = await ticking()
  assert.deepEqual(await pass(FIRST_TICK_MS - 1), [])
  assert.deepEqual(await pass(1), [0, 1, 2])
  assert.deepEqual(await pass(TICK_PAUSE_MS - 1), [])
  assert.deepEqual(await pass(1), [0, 1, 2])
  assert.equal(metrics.counts.get('hivemeter_gateway_fleet_ticks_total written'), 6)
  ticks.stop()
  assert.deepEqual(await pass(TICK_PAUSE_MS), [])
})

test('a gateway whose log is away skips, counts, and goes on when it is back', async () => {
  const { log, pass, metrics, ticks } = await ticking()
  await pass(FIRST_TICK_MS)
  log.plan.push(...Array.from({ length: 60 }, () => 'refuse' as const))
  assert.deepEqual(await pass(TICK_PAUSE_MS), [])
  assert.equal(metrics.counts.get('hivemeter_gateway_fleet_ticks_total unknown'), PARTITIONS)
  assert.deepEqual(await pass(TICK_PAUSE_MS), [])
  assert.equal(metrics.counts.get('hivemeter_gateway_fleet_ticks_total skipped'), PARTITIONS)
  log.plan.length = 0
  await pass(1_000)
  const back = await pass(TICK_PAUSE_MS - 1_000)
  assert.deepEqual(back, [0, 1, 2])
  ticks.stop()
})
