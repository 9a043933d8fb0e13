import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../pipelines/logger.ts'
import { acceptUsageEvent } from '../../pipelines/usage/accept.ts'
import { SCHEMA_ID, schemaIdOf } from '../../schemas/avro.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { ManualClock, MemoryLog, settled } from './fixtures.ts'
import {
  PROBE_PAUSE_MS,
  SEND_PATIENCE_MS,
  UsageQueue,
  WAITING_BYTES_MAX,
  WAITING_EVENTS_MAX,
} from './queue.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const PARTITIONS = 4

function setUp() {
  const clock = new ManualClock(NOW)
  const log = new MemoryLog(clock)
  const queue = new UsageQueue({
    producer: log,
    partitions: PARTITIONS,
    clock,
    logger: silentLogger,
    metrics: noMetrics,
  })
  return { clock, log, queue }
}

async function started() {
  const parts = setUp()
  parts.queue.start()
  await settled()
  await settled()
  assert.equal(parts.queue.state, 'taking')
  return parts
}

function events(count: number, label: string, model_id = 'llama'): UsageEvent[] {
  return Array.from({ length: count }, (_, index) => {
    const item = {
      event_id: `${label}-${index}`,
      node_id: `node-${index % 50}`,
      model_id,
      task_source: 'own',
    }
    return acceptUsageEvent({ ...item, occurred_at: NOW }, NOW) as UsageEvent
  })
}

test('takes nothing before a tick is acknowledged, and asks every second', async () => {
  const { clock, log, queue } = setUp()
  log.plan.push('refuse', 'refuse')
  queue.start()
  await settled()
  await settled()
  assert.equal(queue.state, 'starting')
  assert.equal(queue.receiptMs(), null)
  await clock.pass(PROBE_PAUSE_MS)
  await settled()
  assert.equal(queue.state, 'starting')
  await clock.pass(PROBE_PAUSE_MS)
  await settled()
  assert.equal(queue.state, 'taking')
  assert.deepEqual(
    log.records.map(({ value }) => schemaIdOf(value)),
    [SCHEMA_ID.tick],
  )
})

test('judges by the log’s clock, and asks again when the machine’s was set', async () => {
  const { clock, log, queue } = setUp()
  log.aheadMs = 90_000
  queue.start()
  await settled()
  await settled()
  assert.equal(queue.receiptMs(), NOW + 90_000)
  await clock.pass(3_600_000)
  assert.equal(queue.receiptMs(), NOW + 3_690_000)

  clock.wallMs -= 30_000
  log.aheadMs += 30_000
  assert.equal(queue.receiptMs(), NOW + 3_660_000, 'a step of 30 s is within the slack of the task')
  clock.wallMs -= 1
  assert.equal(queue.receiptMs(), null)
  assert.equal(queue.state, 'away')
  await settled()
  await settled()
  assert.equal(queue.state, 'taking')
  assert.equal(queue.receiptMs(), NOW + 3_690_000 - 1)
})

test('packs the events of all waiting requests into one record a partition', async () => {
  const { log, queue } = await started()
  log.plan.push('hold')
  const first = queue.offer(events(10, 'first'))
  await settled()
  const others = Array.from({ length: 20 }, (_, index) => queue.offer(events(50, `request-${index}`)))
  await log.release()
  assert.deepEqual(await first, { acknowledged: 10, unknown: [], notTaken: [] })
  for (const outcome of await Promise.all(others)) assert.equal(outcome.acknowledged, 50)
  const second = log.records.slice(-PARTITIONS)
  assert.deepEqual(new Set(second.map(({ partition }) => partition)), new Set([0, 1, 2, 3]))
  assert.equal(log.events().length, 10 + 20 * 50)
  for (const { partition, key } of second) assert.equal(partitionOfNode(key ?? '', PARTITIONS), partition)
})

test('keeps the order of a node', async () => {
  const { log, queue } = await started()
  const large = events(10_000, 'x', '😀'.repeat(128))
  await Promise.all([queue.offer(large), queue.offer(events(50, 'y'))])
  const sent = [...large, ...events(50, 'y')].filter(({ node_id }) => node_id === 'node-3')
  const stored = log.events().filter(({ node_id }) => node_id === 'node-3')
  assert.deepEqual(
    stored.map((event) => event.event_text),
    sent.map((event) => event.event_text),
  )
  // 6 MB over 4 partitions, at most 900 kB a record, one record a partition a send.
  assert.ok(log.records.length > 6)
})

test('a refused send: its events are unknown, what waited behind it was not taken', async () => {
  const { clock, log, queue } = await started()
  log.plan.push('store_and_refuse', 'refuse')
  const sent = queue.offer(events(3, 'a'))
  await Promise.resolve()
  const waiting = queue.offer(events(2, 'b'))
  assert.deepEqual(await sent, { acknowledged: 0, unknown: [0, 1, 2], notTaken: [] })
  assert.deepEqual(await waiting, { acknowledged: 0, unknown: [], notTaken: [0, 1] })
  assert.equal(queue.state, 'away')
  assert.equal(queue.receiptMs(), null)
  await settled()
  await settled()
  assert.equal(queue.state, 'away', 'the first tick was refused too')
  await clock.pass(PROBE_PAUSE_MS)
  await settled()
  assert.equal(queue.state, 'taking')
  assert.equal((await queue.offer(events(1, 'c'))).acknowledged, 1)
  assert.equal(log.events().length, 4, 'the stored three and the last one; nothing was sent twice')
})

test('a request that is larger than a send may be acknowledged in part', async () => {
  const { log, queue } = await started()
  const large = events(10_000, 'x', '😀'.repeat(128))
  log.plan.push('hold', 'refuse')
  const offered = queue.offer(large)
  await settled()
  await log.release()
  const { acknowledged, unknown, notTaken } = await offered
  assert.ok(acknowledged > 0 && unknown.length > 0)
  assert.equal(acknowledged + unknown.length + notTaken.length, 10_000)
  assert.equal(new Set([...unknown, ...notTaken]).size, unknown.length + notTaken.length)
  const stored = new Set(log.events().map((event) => event.event_text))
  for (const position of unknown) assert.ok(!stored.has(`x-${position}`))
  assert.equal(stored.size, acknowledged)
})

test('a send that takes too long: unknown after 5 s, and no second send before the first has ended', async () => {
  const { clock, log, queue } = await started()
  log.plan.push('hold')
  const sent = queue.offer(events(2, 'a'))
  await settled()
  const waiting = queue.offer(events(1, 'b'))
  await clock.pass(SEND_PATIENCE_MS - 1)
  assert.equal(queue.state, 'taking')
  await clock.pass(1)
  assert.deepEqual(await sent, { acknowledged: 0, unknown: [0, 1], notTaken: [] })
  assert.deepEqual(await waiting, { acknowledged: 0, unknown: [], notTaken: [0] })
  assert.equal(queue.state, 'away')
  await log.release()
  assert.equal(queue.state, 'taking', 'the late acknowledgement says that the log takes records')
  assert.equal(log.events().length, 2)
})

test('bounds: events and bytes that wait', async () => {
  const { log, queue } = await started()
  assert.ok(queue.hasRoom(WAITING_EVENTS_MAX, WAITING_BYTES_MAX))
  assert.ok(!queue.hasRoom(WAITING_EVENTS_MAX + 1, 0))
  assert.ok(!queue.hasRoom(0, WAITING_BYTES_MAX + 1))
  log.plan.push('hold')
  const offered = queue.offer(events(1_000, 'a'))
  assert.ok(!queue.hasRoom(WAITING_EVENTS_MAX - 999, 0))
  assert.ok(queue.hasRoom(WAITING_EVENTS_MAX - 1_000, 0))
  assert.ok(!queue.hasRoom(0, WAITING_BYTES_MAX))
  await settled()
  await log.release()
  await offered
  assert.ok(queue.hasRoom(WAITING_EVENTS_MAX, WAITING_BYTES_MAX), 'all room is given back')
})

test('a stop sends what waits', async () => {
  const { log, queue } = await started()
  log.plan.push('hold')
  const first = queue.offer(events(1, 'a'))
  await settled()
  const second = queue.offer(events(1, 'b'))
  const stopped = queue.stop()
  assert.equal(queue.receiptMs(), null)
  await log.release()
  await stopped
  assert.equal((await first).acknowledged, 1)
  assert.equal((await second).acknowledged, 1)
  assert.ok(log.isStopped)
})

test('an error that is no failed send ends the service', async () => {
  const { log, queue } = await started()
  log.append = () => Promise.reject(new TypeError('a mistake of the program'))
  assert.equal((await queue.offer(events(1, 'a'))).unknown.length, 1)
  assert.match((await queue.failed).message, /a mistake of the program/)
})
