import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { METRICS, noMetrics } from '../../schemas/metrics.ts'
import type { MetricDefinition } from '../../schemas/metric-definition.ts'
import type { MetricName } from '../../schemas/metrics.ts'
import { SERVICE_NAMES } from '../../schemas/services.ts'
import type { ServiceName } from '../../schemas/services.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { UsageMaker, nodesOf, openUsageProducer, usageRecord } from '../support/records/produce.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { until } from '../support/until.ts'

const PARTITIONS = 2
const MOVES_WITHIN_MS = 30_000
const HOUR_MS = 3_600_000

/** Metrics that must not move in a healthy installation, with the test that moves each. */
const STILL = new Map<MetricName, string>([
  ['hivemeter_access_keys_unreadable_total', 'test/integration/keys'],
  ['hivemeter_audit_records_total', 'test/integration/reader-audit'],
  ['hivemeter_gateway_waiting_events', 'services/gateway/queue/record-queue'],
  ['hivemeter_gateway_waiting_fleet_records', 'services/gateway/queue/record-queue'],
  ['hivemeter_fleet_items_lost_total', 'pipelines/fleet/pipeline'],
  ['hivemeter_fleet_clone_contacts_total', 'pipelines/fleet/contacts'],
  ['hivemeter_produce_failures_total', 'test/lanes/lost-replies'],
  ['hivemeter_stray_records', 'services/aggregator/foreign-partitioner'],
  ['hivemeter_open_transaction_seconds', 'test/integration/open-transaction'],
  ['hivemeter_task_fences_total', 'test/integration/fence'],
  ['hivemeter_task_halts_total', 'test/integration/settler'],
  ['hivemeter_consumer_lag_records', 'pipelines/task/task-pump'],
  ['hivemeter_ids_evicted_total', 'test/integration/aggregator-task'],
  ['hivemeter_id_lookups_total', 'test/integration/aggregator-task'],
  ['hivemeter_loader_reloads_total', 'pipelines/load/reload'],
  ['hivemeter_loader_reload_blocks', 'pipelines/load/reload'],
])

const rows = Object.entries(METRICS) as [MetricName, MetricDefinition][]

/** The series of a metric in Prometheus' text, by their labels; for a histogram, its number of observations. */
function seriesOf(text: string, name: string): Map<string, number> {
  const { type } = METRICS[name as MetricName]
  const begin = type === 'histogram' ? `${name}_count{` : `${name}{`
  const lines = text.split('\n').filter((line) => line.startsWith(begin))
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ')
      return [line.slice(begin.length, end - 1), Number(line.slice(end + 1))]
    }),
  )
}

/** Every combination of the values that the metric's row names for its labels; all of them, or none. */
function knownLabels({ labels, values }: MetricDefinition): string[][] {
  return labels.reduce<string[][]>(
    (sets, label) =>
      sets.flatMap((set) => (values?.[label] ?? []).map((value) => set.concat(`${label}="${value}"`))),
    [[]],
  )
}

describe('the metrics of all services', () => {
  let installation: Installation
  let services: Record<ServiceName, ServiceProcess>
  const maker = new UsageMaker(19, systemRandom.bytes(8))
  const [node = ''] = nodesOf(0, PARTITIONS, 1)
  const [other = ''] = nodesOf(1, PARTITIONS, 1)

  const textOf = async (service: ServiceName): Promise<string> =>
    await (await fetch(`${services[service].url}/metrics`)).text()

  async function post(service: 'gateway' | 'reader', path: string, body: unknown): Promise<Response> {
    return await fetch(`${services[service].url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  }

  before(async () => {
    installation = await install({ name: 'metrics_move', partitions: PARTITIONS })
    services = await startServices(installation, ...SERVICE_NAMES)
  })

  after(async () => {
    await Promise.all(Object.values(services).map((service) => service.stop()))
    await installation.dispose()
  })

  it('have all series whose labels are known, before anything has come', async () => {
    for (const service of SERVICE_NAMES) {
      const text = await textOf(service)
      for (const [name, row] of rows.filter(([, { services: those }]) => those.includes(service))) {
        if (row.type === 'gauge' && row.labels.length > 0) continue
        const series = [...seriesOf(text, name).keys()]
        for (const known of knownLabels(row)) {
          const isThere = series.some((labels) => known.every((label) => labels.includes(label)))
          assert.ok(isThere, `${service}: ${name}{${known.join()}}`)
        }
      }
    }
  })

  it('move with work and with what is refused', async () => {
    const join = { node_id: node, operator_id: 'me', allow_metered_for_hive: true }
    assert.equal((await post('reader', '/api/settings/compute/provider/join', join)).status, 200)
    const event = {
      event_id: 'metrics-move-1',
      node_id: node,
      operator_id: 'me',
      model_id: 'gpt-4.1',
      task_source: 'hive',
      occurred_at: systemClock.nowMs(),
      tokens_in: 10,
      tokens_out: 5,
      actual_usd_cost: '0.29',
    }
    const late = { ...event, event_id: 'metrics-move-2', occurred_at: systemClock.nowMs() - HOUR_MS }
    assert.equal(
      (await post('gateway', '/v1/events', [event, late, { ...event, tokens_in: -1 }])).status,
      202,
    )
    assert.equal((await post('gateway', '/v1/events', [event])).status, 202)
    assert.equal((await post('gateway', '/v1/events', [{ ...event, tokens_out: 6 }])).status, 202)
    assert.equal((await post('gateway', '/v1/events', 'nothing')).status, 422)
    for (const heartbeat_id of ['first', 'second', 'third']) {
      const heartbeat = { heartbeat_id, node_id: node, sent_at: systemClock.nowMs(), agent_count: 10 }
      assert.equal((await post('gateway', '/v1/heartbeats', [heartbeat])).status, 202)
    }
    const names = { provider_id: node, location_id: 'site', node_id: 'agent', epoch: 1, interval_s: 30 }
    const items = [{ sample: { observed_at: systemClock.nowMs(), serial: 'HM-1' } }, {}]
    const batch = { ...names, first_seq: 1, lane: 'live', low: { epoch: 1, seq: 1 }, items }
    assert.equal((await post('gateway', '/v1/fleet/telemetry', batch)).status, 202)
    const producer = openUsageProducer(installation)
    await producer.append([
      usageRecord(0, [maker.event(other)]),
      { partition: 0, key: null, value: Buffer.from('not ours') },
    ])
    await producer.stop()
    const { kafka, topics } = installation
    const toInbox = new IdempotentProducer({ ...kafka, topic: topics.accountInbox, metrics: noMetrics })
    await toInbox.append([{ partition: 0, key: null, value: Buffer.from('not ours') }])
    await toInbox.stop()
    const toFleet = new IdempotentProducer({ ...kafka, topic: topics.fleetInbox, metrics: noMetrics })
    await toFleet.append([{ partition: 0, key: null, value: Buffer.from('not ours') }])
    await toFleet.stop()
    for (const service of SERVICE_NAMES) {
      const own = rows.filter(([name, row]) => row.services.includes(service) && !STILL.has(name))
      const stillAt = async (): Promise<string[]> => {
        const text = await textOf(service)
        return own.map(([name]) => name).filter((name) => ![...seriesOf(text, name).values()].some(Boolean))
      }
      await until(
        `every metric of ${service} to move`,
        MOVES_WITHIN_MS,
        async () => (await stillAt()).length === 0,
        async () => (await stillAt()).join(),
      )
      const text = await textOf(service)
      for (const [name] of rows.filter(([name, row]) => row.services.includes(service) && STILL.has(name))) {
        // Blocks are loaded again only where ClickHouse came back from a copy.
        if (name === 'hivemeter_loader_reload_blocks') continue
        assert.ok(seriesOf(text, name).size > 0, `${service}: ${name} has no series`)
      }
    }
  })
})
