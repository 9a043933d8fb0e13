import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import { noFailpoint } from '../../pipelines/failpoints.ts'
import { FleetState } from '../../pipelines/fleet/pipeline.ts'
import { TaskRunner } from '../../pipelines/kafka/task-runner.ts'
import type { LogRecord } from '../../pipelines/log/records.ts'
import type { TaskState } from '../../pipelines/task/task.ts'
import { SCHEMA_ID, schemaIdOf } from '../../schemas/avro.ts'
import { fleetTaskCodec } from '../../schemas/fleet/codecs.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { MINUTE_MS, SECOND_MS } from '../../schemas/units.ts'
import { Differences } from '../../services/verify/differences.ts'
import { readRecord } from '../../services/verify/fleet/decode.ts'
import { InventoryWorkforce } from '../../services/verify/fleet/inventory/inventory-workforce.ts'
import { FleetModel } from '../../services/verify/fleet/model.ts'
import { compareWorkers } from '../../services/verify/fleet/workers/compare-workers.ts'
import { ExpectedRows } from '../../services/verify/fleet/workers/expected.ts'
import { Tables } from '../../services/verify/tables.ts'
import { emptyStoreGate } from '../support/memory/stored-marks.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { until } from '../support/until.ts'

const ARRIVES_MS_MAX = 60_000
/** The records that make the inventory count as so much older: the worker is there from then on. */
const BEFORE_MS = 20 * MINUTE_MS
/** In the end so much time has passed: what came late leaves at the next full minute. */
const AFTER_MS = 90 * SECOND_MS
const PROVIDER = 'krill'
const SERIAL = 'HM-0001'
const RATE_HS = 180_000_000_000_000
const LATE_SAMPLES = 10

/** The log's time as the task sees it, so that a test need not wait for minutes. */
class LogTime {
  beforeTo = 2n ** 62n
  afterFrom = 2n ** 62n

  of({ offset, timestampMs }: LogRecord): number {
    if (offset < this.beforeTo) return timestampMs - BEFORE_MS
    return offset >= this.afterFrom ? timestampMs + AFTER_MS : timestampMs
  }

  seenBy(state: TaskState): TaskState {
    return {
      restore: (record) => state.restore(record),
      restored: (inputStart) => state.restored(inputStart),
      decide: async (batch) => {
        const records = batch.records.map((record) => ({ ...record, timestampMs: this.of(record) }))
        return await state.decide({ ...batch, records })
      },
      committed: (offsets) => state.committed(offsets),
      dispose: () => state.dispose(),
    }
  }
}

/** What a node sends over HTTP comes out as rows of its worker, through the real gateway, log, task, loader and tables. */
describe('the workers of a fleet', () => {
  let installation: Installation
  let services: Record<'gateway' | 'loader' | 'reader', ServiceProcess>
  const ids = { location: '', node: '', worker: '' }
  let runner: TaskRunner
  let next = 1
  const time = new LogTime()
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'workers', partitions: 1 })
    cleanup.defer(() => installation.dispose())
    services = await startServices(installation, 'gateway', 'loader', 'reader')
    for (const service of Object.values(services)) cleanup.defer(() => service.stop())
    runner = await started()
    cleanup.defer(() => runner.stop())
    ids.location = await make('locations', { name: 'Barn', timezone: 'America/Chicago' })
    ids.node = await make('nodes', { location: ids.location, name: 'North' })
    const model = await make('models', { make: 'Example', model: 'X1', algorithm: 'SHA-256' })
    ids.worker = await make('workers', { asset_code: 'A-1', model })
    await make('identities', { worker: ids.worker, kind: 'serial', value: SERIAL })
    await make('assignments', { worker: ids.worker, location: ids.location, node: ids.node })
    time.beforeTo = await end()
  })
  after(() => cleanup.disposeAsync())

  async function started(): Promise<TaskRunner> {
    const { kafka, prefix, topics } = installation
    const made = new TaskRunner({
      ...kafka,
      clientId: 'test-fleet',
      failpoint: noFailpoint,
      metrics: noMetrics,
      service: 'fleet',
      topicPrefix: prefix,
      inputTopic: topics.fleetInbox,
      stateTopic: topics.fleetState,
      outputTopics: [topics.fleetBlocks],
      tickWhenIdle: true,
      instance: `test-${next}`,
      openState: (partition) =>
        time.seenBy(
          new FleetState({
            partition,
            partitions: 1,
            topics,
            loadedSeq: () => 0,
            gate: emptyStoreGate(),
            clock: systemClock,
            metrics: noMetrics,
          }),
        ),
    })
    await made.start()
    return made
  }

  async function make(path: string, body: object): Promise<string> {
    const answer = await fetch(`${services.reader.url}/api/fleet/${path}?provider=${PROVIDER}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const made = (await answer.json()) as { readonly id: string }
    assert.equal(answer.status, 201, JSON.stringify(made))
    return made.id
  }

  async function post(path: string, body: object): Promise<void> {
    const name = {
      provider_id: PROVIDER,
      location_id: ids.location,
      node_id: ids.node,
      epoch: 1,
      interval_s: 30,
    }
    const answer = await fetch(`${services.gateway.url}/v1/fleet/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...name, ...body }),
    })
    assert.equal(answer.status, 202, await answer.text())
  }

  const heartbeat = (): Promise<void> => post('heartbeat', { sent_at: systemClock.nowMs(), version: '0.1.0' })

  async function send(times: readonly number[]): Promise<void> {
    const items = times.map((observed_at) => ({
      sample: {
        observed_at,
        serial: SERIAL,
        hashrate_hs: { now: RATE_HS },
        power_w: 3_300,
        power_source: 'miner',
      },
    }))
    await post('telemetry', { first_seq: next, lane: 'live', low: { epoch: 1, seq: 1 }, items })
    next += items.length
  }

  async function samples(): Promise<number> {
    return (await installation.clickhouse.rows('SELECT 1 FROM fleet_samples')).length
  }

  it('are rows of five minutes, of minutes, and of statuses', async () => {
    const nowMs = systemClock.nowMs()
    const late = Array.from(
      { length: LATE_SAMPLES },
      (_, nth) => nowMs - 10 * MINUTE_MS + nth * 30 * SECOND_MS,
    )
    // Four of the present: from the third on the rate is known, and two of these make it work again.
    const current = [100, 70, 40, 0].map((agoS) => nowMs - agoS * SECOND_MS)
    await send([...late, ...current])
    await until(
      'the samples to be rows',
      ARRIVES_MS_MAX,
      async () => (await samples()) === LATE_SAMPLES + current.length,
    )
    const outcomes = await installation.clickhouse.rows(
      'SELECT outcome, worker_id, count() AS samples FROM fleet_samples GROUP BY ALL ORDER BY outcome',
    )
    assert.deepEqual(outcomes, [
      { outcome: 'current', worker_id: ids.worker, samples: '4' },
      { outcome: 'late', worker_id: ids.worker, samples: String(LATE_SAMPLES) },
    ])
    // Nothing that is in the log by now, or arrives meanwhile, changes its time.
    time.afterFrom = (await end()) + 3n
    for (let sent = 0; sent < 4; sent++) await heartbeat()
    // Ten slots, and what the last samples of them reach: the check below says exactly which.
    const sums = `sum(hashing_s) AS hashing, toString(sum(hashes)) AS hashes, sum(miner_j) AS joules`
    for (const table of ['fleet_5m', 'fleet_1m']) {
      const row = await until(`the rows of ${table}`, ARRIVES_MS_MAX, async () => {
        const [found] = await installation.clickhouse.rows<Record<'hashing' | 'hashes' | 'joules', string>>(
          `SELECT ${sums} FROM ${table}`,
        )
        return Number(found?.hashing) >= LATE_SAMPLES * 30 ? found : undefined
      })
      const seconds = Number(row.hashing)
      assert.deepEqual([row.hashes, Number(row.joules)], [String(RATE_HS * seconds), 3_300 * seconds])
    }
    const cells = await installation.clickhouse.rows(
      'SELECT max(n) AS most FROM (SELECT count() AS n FROM fleet_5m WHERE late = 0 GROUP BY worker_id, cell)',
    )
    assert.deepEqual(cells, [{ most: '1' }])
    const statuses = await installation.clickhouse.rows(
      'SELECT version, status, status_before FROM fleet_status ORDER BY version',
    )
    assert.deepEqual(statuses[0], { version: 1, status: 'stopped', status_before: '' })
    assert.deepEqual(statuses.at(-1), {
      version: statuses.length,
      status: 'working',
      status_before: 'stopped',
    })
  })

  /** The next offset of fleet.inbox. */
  async function end(): Promise<bigint> {
    const records = await installation.records('fleetInbox', 0)
    return (records.at(-1)?.offset ?? -1n) + 1n
  }

  it('are shown as they are, and as they were', async () => {
    const shown = async (path: string): Promise<Record<string, unknown>> => {
      const answer = await fetch(`${services.reader.url}/api/fleet/${path}provider=${PROVIDER}`)
      const body = (await answer.json()) as Record<string, unknown>
      assert.equal(answer.status, 200, JSON.stringify(body))
      return body
    }
    const overview = await shown('overview?')
    assert.partialDeepStrictEqual(overview, { commissioned: 1, statuses: { working: 1 }, unknown: 0 })
    const { items } = (await shown('workers?status=working&')) as { items: Record<string, unknown>[] }
    assert.partialDeepStrictEqual(items, [{ id: ids.worker, node: ids.node, reason: 'hashing' }])
    const nodes = (await shown('nodes?')) as { items: Record<string, unknown>[] }
    assert.partialDeepStrictEqual(nodes.items, [
      { id: ids.node, name: 'North', workers: 1, online: true, software_version: '0.1.0', lost: 0 },
    ])
    const nowMs = systemClock.nowMs()
    const range = `from=${nowMs - 15 * MINUTE_MS}&to=${nowMs}&`
    const { buckets } = (await shown(`charts?${range}`)) as {
      buckets: { coverage: number | null; provisional: boolean; power_w: object | null; hashrate: object[] }[]
    }
    assert.deepEqual([buckets[0]?.provisional, buckets.at(-1)?.provisional], [false, true])
    const whole = buckets.filter(({ coverage }) => coverage === 1)
    assert.ok(whole.length >= 3, JSON.stringify(buckets))
    const rate = String(RATE_HS)
    for (const bucket of whole) {
      assert.deepEqual(bucket.power_w, { min: 3_300, mean: 3_300, max: 3_300 })
      assert.deepEqual(bucket.hashrate, [{ algorithm: 'SHA-256', min_hs: rate, mean_hs: rate, max_hs: rate }])
    }
    assert.partialDeepStrictEqual(await shown(`uptime?${range}`), { hashing: 1, reachability: 1 })
    const series = (await shown(`workers/${ids.worker}/series?${range}`)) as {
      cells: { hashing_s: number }[]
    }
    const worked = series.cells.find(({ hashing_s }) => hashing_s > 0)
    assert.partialDeepStrictEqual(worked, {
      hashrate_hs: RATE_HS,
      power_w: 3_300,
      temperature_c: null,
      idle_s: 0,
    })
    const history = await shown(`workers/${ids.worker}/status-history?limit=1&`)
    const [newest] = history['items'] as Record<string, unknown>[]
    assert.partialDeepStrictEqual(newest, {
      status: 'working',
      reason: 'hashing',
      before: { status: 'stopped' },
      evidence: { cause: 'sample', node: ids.node, power_w: 3_300, rate_5m_hs: RATE_HS },
    })
    const cursor = encodeURIComponent(history['next_cursor'] as string)
    const older = await shown(`workers/${ids.worker}/status-history?limit=100&cursor=${cursor}&`)
    const changes = (older['items'] as { change: number }[]).map(({ change }) => change)
    assert.equal(changes.at(-1), 1)
    assert.equal(changes.length, Number(newest?.['change']) - 1)
  })

  it('go on after a restart, from their pages and the log', async () => {
    await runner.stop()
    runner = await started()
    await send([systemClock.nowMs()])
    await until('one more sample', ARRIVES_MS_MAX, async () => (await samples()) === LATE_SAMPLES + 5)
    assert.deepEqual(runner.halts(), [])
  })

  it('are what verify works out from the log', async () => {
    const states = await installation.records('fleetState', 0)
    const task = states.findLast(({ value }) => schemaIdOf(value) === SCHEMA_ID.fleetTask)?.value
    assert.ok(task !== undefined && task !== null)
    const { next_seq, now, position, since } = fleetTaskCodec.decode(task)
    const loaded = 'SELECT max(src_seq) AS seq FROM watermarks WHERE src_topic = {topic:String}'
    await until('all blocks to be loaded', ARRIVES_MS_MAX, async () => {
      const params = { topic: installation.topics.fleetBlocks }
      const [row] = await installation.clickhouse.rows<{ seq: string }>(loaded, params)
      return Number(row?.seq) >= next_seq - 1
    })
    const model = new FleetModel()
    const expected = new ExpectedRows(new InventoryWorkforce(model.inventory), now)
    for (const record of await installation.records('fleetInbox', 0)) {
      const { offset } = record
      if (offset >= BigInt(position)) break
      model.pass(time.of(record))
      const read = readRecord(record, { partition: 0, partitions: 1, since })
      expected.record(model.now, offset, read.kind === 'batch' ? read.batch : null)
      if (read.kind === 'batch') model.batch(read.batch, offset, time.of(record))
      if (read.kind === 'command') model.command(read.wish, offset)
      expected.ended()
    }
    const differences = new Differences()
    const blocks = { topic: installation.topics.fleetBlocks, partition: 0, seqBelow: next_seq }
    const tables = new Tables(installation.clickhouse)
    const compared = await compareWorkers({ tables, differences }, blocks, expected)
    assert.deepEqual(differences.lines(), [])
    assert.ok(compared.cells >= 1 && compared.minutes >= 1, JSON.stringify(compared))
  })
})
