import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import { deleteRecordsBefore, logRanges, withAdmin } from '../../pipelines/kafka/kafkajs/admin.ts'
import { schemaIdOf, SCHEMA_ID } from '../../schemas/avro.ts'
import { fleetNodeCodec, workerTelemetryCodec } from '../../schemas/fleet/codecs.ts'
import type { FleetNode } from '../../schemas/fleet/records.ts'
import { PACKED_BATCH_TYPE } from '../../schemas/http/fleet.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import { InventoryWork } from '../faults/fleet/inventory-work.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { startService, startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { item, sample } from '../support/records/fleet-items.ts'
import { until } from '../support/until.ts'

const PARTITIONS = 2
const ARRIVES_MS_MAX = 30_000
const HOUR_MS = 3_600_000

const NODE = { provider_id: 'krill', location_id: 'barn', node_id: 'agent-1', epoch: 1, interval_s: 30 }
const PARTITION = partitionOfNode(NODE.provider_id, PARTITIONS)

/** What nodes of a hosting provider send comes into ClickHouse once, through the real gateway, log, task and loader. */
describe('the fleet', () => {
  let installation: Installation
  let services: Record<'gateway' | 'fleet' | 'loader' | 'reader', ServiceProcess>

  before(async () => {
    installation = await install({ name: 'fleet', partitions: PARTITIONS })
    services = await startServices(installation, 'gateway', 'fleet', 'loader', 'reader')
  })

  after(async () => {
    await Promise.all(Object.values(services).map((service) => service.stop()))
    await installation.dispose()
  })

  async function post(
    path: string,
    body: object,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const answer = await fetch(`${services.gateway.url}/v1/fleet/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  const batch = (first_seq: number, items: readonly object[]): object => ({
    ...NODE,
    first_seq,
    lane: 'live',
    low: { epoch: 1, seq: 1 },
    items,
  })

  async function rows(): Promise<Record<string, unknown>[]> {
    return await installation.clickhouse.rows(
      'SELECT seq, fingerprint, power_w, hashrate_now_hs, outcome FROM fleet_samples ORDER BY seq',
    )
  }

  async function node(): Promise<FleetNode | undefined> {
    const records = await installation.records('fleetState', PARTITION)
    const newest = records.findLast(({ value }) => schemaIdOf(value) === SCHEMA_ID.fleetNode)
    return newest?.value === null || newest === undefined ? undefined : fleetNodeCodec.decode(newest.value)
  }

  it('takes a batch over HTTP, and each sample is a row', async () => {
    const observed_at = systemClock.nowMs()
    const items = [
      { sample: { observed_at, serial: 'HM-1', power_w: 3_250.5, hashrate_hs: { now: 2 ** 53 - 1 } } },
      { poll: { observed_at, serial: 'HM-2', result: 'timeout' } },
      { sample: { observed_at, mac: '02:00:00:00:00:03' } },
      { sample: { observed_at: observed_at - 81 * HOUR_MS, serial: 'HM-4' } },
      { sample: { observed_at: observed_at + HOUR_MS, serial: 'HM-5' } },
    ]
    const { status, body } = await post('telemetry', batch(1, items))
    assert.equal(status, 202)
    assert.deepEqual(
      (body['refused'] as { index: number; code: string }[]).map(({ index, code }) => [index, code]),
      [[4, 'in_the_future']],
    )
    assert.ok(Math.abs(Date.parse(String(body['log_time'])) - observed_at) < HOUR_MS)
    await until('the samples to be rows', ARRIVES_MS_MAX, async () => (await rows()).length === 2)
    assert.deepEqual(await rows(), [
      {
        seq: '1',
        fingerprint: 'HM-1',
        power_w: 3_250.5,
        hashrate_now_hs: String(2 ** 53 - 1),
        outcome: 'discovered',
      },
      {
        seq: '3',
        fingerprint: '02:00:00:00:00:03',
        power_w: null,
        hashrate_now_hs: null,
        outcome: 'discovered',
      },
    ])
  })

  it('counts a copy, after the task was started anew, and has one row all the same', async () => {
    const observed_at = systemClock.nowMs()
    const next = batch(6, [{ sample: { observed_at, serial: 'HM-1' } }])
    assert.equal((await post('telemetry', next)).status, 202)
    await services.fleet.stop()
    assert.equal((await post('telemetry', next)).status, 202)
    services.fleet = await (await startService(installation, 'fleet')).ready()
    const heartbeat = { ...NODE, sent_at: observed_at, version: '0.1.0' }
    assert.equal((await post('heartbeat', heartbeat)).status, 202)
    const seen = await until('the heartbeat to be taken in', ARRIVES_MS_MAX, async () => {
      const found = await node()
      return found?.software_version === '0.1.0' ? found : undefined
    })
    assert.deepEqual(
      seen.outcomes.map(({ outcome, items }) => [outcome, items]),
      [
        ['repeat', 1],
        ['discovered', 4],
        ['quarantined', 1],
        ['refused', 1],
      ],
    )
    await until('the third row', ARRIVES_MS_MAX, async () => (await rows()).length === 3)
  })

  it('changes an inventory once for each command, and has the versions for good', async () => {
    const work = new InventoryWork(installation)
    await work.add(NODE.provider_id)
    await work.add(NODE.provider_id)
    await work.again(NODE.provider_id)
    await work.arrive()
    await services.fleet.stop()
    await work.again(NODE.provider_id)
    services.fleet = await (await startService(installation, 'fleet')).ready()
    await work.add(NODE.provider_id)
    await work.arrive()
    assert.deepEqual(await work.judge(), [])
    await work.stop()
  })

  it('answers a change over HTTP when the task has decided it, and shows it from then on', async () => {
    const ask = async (method: string, path: string, headers: Record<string, string>, body?: object) => {
      const answer = await fetch(`${services.reader.url}/api/fleet/locations${path}?provider=shrimp`, {
        method,
        headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const said = (await answer.json()) as Record<string, unknown>
      return { status: answer.status, etag: answer.headers.get('etag'), said }
    }
    const once = { 'idempotency-key': 'barn' }
    const barn = { name: 'Barn', timezone: 'America/Chicago' }
    const made = await ask('POST', '', once, barn)
    assert.deepEqual([made.status, made.etag], [201, '"1"'], JSON.stringify(made.said))
    assert.deepEqual((await ask('POST', '', once, barn)).said, made.said)
    const path = `/${String(made.said['id'])}`
    const seen = { 'if-match': '"1"' }
    assert.equal((await ask('PATCH', path, seen, { name: 'Shed' })).status, 200)
    const stale = await ask('PATCH', path, seen, { name: 'Hall' })
    assert.deepEqual([stale.status, stale.said['code']], [412, 'version_conflict'])
    const shown = await ask('GET', path, {})
    assert.deepEqual([shown.etag, shown.said['name']], ['"2"', 'Shed'])
  })

  it('takes a packed batch, and the gateway ticks on every partition', async () => {
    const head = { ...NODE, first_seq: 7, lane: 'live' as const, low: { epoch: 1, seq: 1 }, complete: [] }
    const items = [item({ sample: sample(systemClock.nowMs(), { serial: 'HM-9', power_w: 9.5 }) })]
    const answer = await fetch(`${services.gateway.url}/v1/fleet/telemetry`, {
      method: 'POST',
      headers: { 'content-type': PACKED_BATCH_TYPE },
      body: new Uint8Array(workerTelemetryCodec.encode({ ...head, items })),
    })
    assert.equal(answer.status, 202, await answer.text())
    await until('the packed sample to be a row', ARRIVES_MS_MAX, async () => (await rows()).length === 4)
    assert.partialDeepStrictEqual((await rows()).at(-1), { seq: '7', fingerprint: 'HM-9', power_w: 9.5 })
    await until('the ticks of the gateway', ARRIVES_MS_MAX, async () => {
      const metrics = await (await fetch(`${services.gateway.url}/metrics`)).text()
      const written = /hivemeter_gateway_fleet_ticks_total\{[^}]*outcome="written"[^}]*\} (\d+)/.exec(
        metrics,
      )?.[1]
      return Number(written) >= PARTITIONS
    })
  })

  it('is what verify works out again', async () => {
    const { exitCode, output } = await installation.command('verify')
    assert.match(output, /8 items of fleets, 4 samples, 1 nodes of fleets, 9 commands of inventories/)
    assert.equal(exitCode, 0, output)
  })

  it('keeps the installation from growing, since nodes of fleets are not moved', async () => {
    const { exitCode, output } = await installation.command('migrate', ['--grow', '4'])
    assert.equal(exitCode, 78, output)
    assert.match(output, /has nodes of hosting fleets/)
  })

  it('shows verify a version that is another', async () => {
    const sql = `ALTER TABLE fleet_versions UPDATE body = '{}' WHERE entity_id = 'worker-1'`
    await installation.clickhouse.command(sql, {}, { mutations_sync: 1 })
    const { exitCode, output } = await installation.command('verify')
    assert.equal(exitCode, 6, output)
    assert.match(output, /fleet_versions krill\/worker\/worker-1\/1: body is \{\}/)
  })

  it('shows verify a row that is missing', async () => {
    const sql = 'ALTER TABLE fleet_samples DELETE WHERE seq = 6'
    await installation.clickhouse.command(sql, {}, { mutations_sync: 1 })
    const { exitCode, output } = await installation.command('verify')
    assert.equal(exitCode, 6, output)
    assert.match(output, /fleet_samples \d+\/0: \(row\) is absent, expected present/)
  })

  it('says what verify leaves out where the log was cut, and takes versions from their table', async () => {
    await withAdmin(installation.kafka, async (admin) => {
      const topic = installation.topics.fleetInbox
      const end = (await logRanges(admin, topic)).get(PARTITION)?.end ?? 0n
      await deleteRecordsBefore(admin, topic, PARTITION, end - 1n)
    })
    const { exitCode, output } = await installation.command('verify')
    assert.equal(exitCode, 0, output)
    assert.match(output, /commands of the inventory were not compared/)
  })
})
