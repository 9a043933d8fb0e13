import assert from 'node:assert/strict'
import { test } from 'node:test'
import { APPEND_PATIENCE_MS } from '../../../pipelines/log/append-lanes.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { acceptUsageEvent } from '../../../pipelines/usage/accept/accept.ts'
import { SCHEMA_ID, schemaIdOf } from '../../../schemas/avro.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { ManualClock, MemoryLog, settled } from '../fixtures.ts'
import { usageQueue } from '../usage/usage-queue.ts'
import type { Outcome } from './submission.ts'
import { PROBE_PAUSE_MS, WAITING_BYTES_MAX, WAITING_EVENTS_MAX } from './record-queue.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const PARTITIONS = 4

function setUp() {
  const clock = new ManualClock(NOW)
  const log = new MemoryLog(clock)
  const queue = usageQueue({
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

test('a gateway that starts takes events when all partitions that it asked have answered, or have had the time to', async () => {
  for (const answers of [true, false]) {
    const { clock, log, queue } = setUp()
    log.plan.push('hold')
    queue.start()
    await settled()
    await clock.pass(APPEND_PATIENCE_MS)
    await clock.pass(PROBE_PAUSE_MS)
    await settled()
    assert.equal(queue.state, 'starting', 'the second partition has answered, the first has not')
    if (answers) await log.release()
    else await clock.pass(APPEND_PATIENCE_MS)
    assert.equal(queue.state, 'taking')
  }
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
  assert.partialDeepStrictEqual(await first, { acknowledged: 10, unknown: [], notTaken: [] })
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
  // 6 MB over 4 partitions: at most 900 kB for each record, one record for each partition in a send.
  assert.ok(log.records.length > 6)
})

/** Events of one node each; the partitions of these nodes are 0 to 3. */
const NODES = [0, 1, 2, 3].map(
  (partition) =>
    Array.from({ length: 50 }, (_, index) => `node-${index}`).find(
      (node) => partitionOfNode(node, PARTITIONS) === partition,
    ) ?? '',
)
const eventOf = (partition: number, label: string): UsageEvent =>
  acceptUsageEvent(
    {
      event_id: label,
      node_id: NODES[partition],
      model_id: 'llama',
      task_source: 'own',
      occurred_at: NOW,
    },
    NOW,
  ) as UsageEvent

const NOT_TAKEN = { acknowledged: 0, unknown: [], notTaken: [0], logTimeMs: null }
const UNKNOWN = { acknowledged: 0, unknown: [0], notTaken: [], logTimeMs: null }
const TAKEN = { acknowledged: 1, unknown: [], notTaken: [] }
/** The log's time is that of the record. */
const isTaken = async (offered: Promise<Outcome>): Promise<void> => {
  const { logTimeMs, ...outcome } = await offered
  assert.deepEqual(outcome, TAKEN)
  assert.ok(logTimeMs !== null && logTimeMs >= NOW)
}

test('a refused send: its events are unknown, what waited behind it was not taken, the other partitions go on', async () => {
  const { clock, log, queue } = await started()
  log.plan.push('store_and_refuse')
  const sent = queue.offer([eventOf(0, 'a')])
  await Promise.resolve()
  await new Promise(setImmediate)
  const waiting = queue.offer([eventOf(0, 'b')])
  assert.deepEqual(await sent, UNKNOWN)
  assert.deepEqual(await waiting, NOT_TAKEN)
  assert.equal(queue.state, 'taking')
  assert.deepEqual(await queue.offer([eventOf(0, 'c')]), NOT_TAKEN)
  assert.partialDeepStrictEqual(await queue.offer([eventOf(1, 'd'), eventOf(0, 'e')]), {
    acknowledged: 1,
    unknown: [],
    notTaken: [1],
  })
  log.plan.push('refuse')
  await clock.pass(PROBE_PAUSE_MS)
  await settled()
  assert.deepEqual(await queue.offer([eventOf(0, 'f')]), NOT_TAKEN, 'the first tick was refused')
  await clock.pass(PROBE_PAUSE_MS)
  await settled()
  await isTaken(queue.offer([eventOf(0, 'g')]))
  assert.deepEqual(
    log.events().map(({ event_text }) => event_text),
    ['a', 'd', 'g'],
    'nothing was sent twice',
  )
})

test('when no partition takes records the queue is away, and says so before anything is offered', async () => {
  const { clock, log, queue } = await started()
  log.plan.push('refuse')
  const all = [0, 1, 2, 3].map((partition) => eventOf(partition, `all-${partition}`))
  assert.partialDeepStrictEqual(await queue.offer(all), {
    acknowledged: 0,
    unknown: [0, 1, 2, 3],
    notTaken: [],
  })
  assert.equal(queue.state, 'away')
  assert.equal(queue.receiptMs(), null)
  await clock.pass(PROBE_PAUSE_MS)
  await settled()
  assert.equal(queue.state, 'taking')
  assert.equal((await queue.offer(all)).acknowledged, 4)
})

test('a request that is larger than a send may be acknowledged in part', async () => {
  const { log, queue } = await started()
  const large = events(10_000, 'x', '😀'.repeat(128))
  log.plan.push('hold', 'refuse')
  const offered = queue.offer(large)
  await settled()
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

test('a send that takes too long: unknown when the patience ends, then nothing is taken until it has ended', async () => {
  const { clock, log, queue } = await started()
  log.plan.push('hold')
  const sent = queue.offer([eventOf(0, 'a')])
  await settled()
  await settled()
  const waiting = queue.offer([eventOf(0, 'b')])
  await clock.pass(APPEND_PATIENCE_MS)
  assert.deepEqual(await sent, UNKNOWN)
  assert.deepEqual(await waiting, NOT_TAKEN)
  assert.deepEqual(await queue.offer([eventOf(0, 'c')]), NOT_TAKEN)
  await isTaken(queue.offer([eventOf(1, 'd')]))
  await log.release()
  await isTaken(queue.offer([eventOf(0, 'e')]))
  assert.deepEqual(
    log.events().map(({ event_text }) => event_text),
    ['d', 'a', 'e'],
  )
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

test('a stop sends no tick that waits: the producer is stopped by then', async () => {
  const { log, queue } = await started()
  log.plan.push('hold')
  const sent = queue.offer([eventOf(0, 'a')])
  await settled()
  await settled()
  const tick = queue.tick(0)
  const stopped = queue.stop()
  assert.equal(await tick, 'skipped')
  await log.release()
  await stopped
  await settled()
  assert.equal((await sent).acknowledged, 1)
  assert.equal(placesOf(log, 0).at(-1)?.[1], false)
  assert.equal(await queue.tick(1), 'skipped')
})

test('an error that is no failed send ends the service', async () => {
  const { log, queue } = await started()
  log.appendEach = (records) =>
    new Map(
      records.map(({ partition }) => [partition, Promise.reject(new TypeError('a mistake of the program'))]),
    )
  assert.equal((await queue.offer(events(1, 'a'))).unknown.length, 1)
  assert.match((await queue.failed).message, /a mistake of the program/)
})

const placesOf = (log: MemoryLog, from: number): [partition: number, isTick: boolean][] =>
  log.records.slice(from).map(({ partition, value }) => [partition, schemaIdOf(value) === SCHEMA_ID.tick])

test('a tick goes alone where nothing waits, and else in the batch of what waits, behind it', async () => {
  const { log, queue } = await started()
  const from = log.records.length
  assert.equal(await queue.tick(2), 'written')
  assert.deepEqual(placesOf(log, from), [[2, true]])
  log.plan.push('hold')
  const first = queue.offer([eventOf(0, 'a')])
  await settled()
  await settled()
  const tick = queue.tick(0)
  const second = queue.offer([eventOf(0, 'b')])
  const sends: number[][] = []
  const append = log.appendEach.bind(log)
  log.appendEach = (records) => {
    sends.push(records.map(({ partition }) => partition))
    return append(records)
  }
  await log.release()
  await isTaken(first)
  await isTaken(second)
  assert.equal(await tick, 'written')
  assert.deepEqual(sends, [[0, 0]], 'one send, for which the tick costs no time')
  assert.deepEqual(placesOf(log, from + 1), [
    [0, false],
    [0, false],
    [0, true],
  ])
})

test('a partition that takes no records gets no tick, and one whose send fails has an unknown one', async () => {
  const { clock, log, queue } = await started()
  log.plan.push('refuse')
  assert.equal(await queue.tick(0), 'unknown')
  assert.equal(await queue.tick(0), 'skipped')
  assert.equal(await queue.tick(1), 'written')
  log.plan.push('hold')
  const sent = queue.offer([eventOf(1, 'a')])
  await settled()
  await settled()
  const waiting = queue.tick(1)
  await clock.pass(APPEND_PATIENCE_MS)
  assert.deepEqual(await sent, UNKNOWN)
  assert.equal(await waiting, 'skipped', 'it does not wait for a broker that hangs')
})
