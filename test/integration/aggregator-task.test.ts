import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemRandom } from '../../pipelines/random.ts'
import type { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { WATERMARK_DELAY_MS } from '../../schemas/usage.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import {
  UsageMaker,
  nodesOf,
  openUsageProducer,
  sendEvents,
  usageRecord,
} from '../support/records/produce.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { Truth } from '../support/oracles/truth.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'

const SEED = 7
const PARTITIONS = 2
const EVENTS = 300

/** A tick is written after 5 s of silence. */
const TICK_TIMEOUT_MS = 15_000

describe('the aggregator task', () => {
  let installation: Installation
  let producer: IdempotentProducer
  let aggregator: ServiceProcess
  const truth = new Truth()
  const maker = new UsageMaker(SEED, systemRandom.bytes(8))
  const nodes = [0, 1].flatMap((partition) => nodesOf(partition, PARTITIONS, 5))
  const cleanup = new AsyncDisposableStack()
  let events: UsageEvent[] = []

  before(async () => {
    installation = await install({ name: 'task', partitions: PARTITIONS })
    cleanup.defer(() => installation.dispose())
    const started = await startServices(installation, 'aggregator', 'settler', 'loader')
    aggregator = started.aggregator
    for (const service of [started.loader, started.settler]) cleanup.defer(() => service.stop())
    cleanup.defer(() => aggregator.stop())
    producer = openUsageProducer(installation)
    cleanup.defer(() => producer.stop())
  })
  after(() => cleanup.disposeAsync())

  const repeated = () => aggregator.metric('hivemeter_events_repeated_total')

  it('turns events into rows, windows, costs and sums', async () => {
    events = Array.from({ length: EVENTS }, (_, index) => maker.event(nodes[index % nodes.length] as string))
    await sendEvents(installation, producer, truth, events)
    await truth.matches(installation)
    await truth.isPaid(installation)
    assert.equal(await repeated(), 0)
  })

  it('drops a repeat in the same record, in the same batch and in a later batch', async () => {
    const [node] = nodes as [string]
    const inRecord = maker.event(node)
    const inBatch = maker.event(node)
    const before = await repeated()
    // One send is one batch of the log: two records that are read together.
    await producer.append([
      usageRecord(0, [inRecord, inBatch, inRecord]),
      usageRecord(0, [inBatch, events[0] as UsageEvent]),
    ])
    for (const event of [inRecord, inBatch]) truth.add(event)
    await until('three repeats to be counted', 10_000, async () => (await repeated()) === before + 3)
    events.push(inRecord, inBatch)
    await truth.matches(installation)
  })

  it('drops every repeat after a restart, from what it had written to usage.ids', async () => {
    await aggregator.stop()
    ;({ aggregator } = await startServices(installation, 'aggregator'))
    assert.equal(await aggregator.metric('hivemeter_ids_held'), events.length)
    await sendEvents(installation, producer, truth, events)
    await until('all repeats to be counted', 10_000, async () => (await repeated()) === events.length)
    assert.equal(await aggregator.metric('hivemeter_events_counted_total'), 0)
    await truth.matches(installation)
  })

  it('moves the watermark of an idle partition on by ticks, as far as ClickHouse and the settler', async () => {
    const watermarks = async () => {
      const rows = await installation.clickhouse.rows<{ ms: string }>(
        `SELECT toUnixTimestamp64Milli(max(watermark)) AS ms FROM watermarks
           WHERE src_topic = '${installation.topics.usageBlocks}' GROUP BY src_partition`,
      )
      return rows.map(({ ms }) => Number(ms))
    }
    const before = await watermarks()
    assert.equal(before.length, PARTITIONS)
    const newest = Math.max(...before)
    await until('both watermarks to move', TICK_TIMEOUT_MS, async () =>
      (await watermarks()).every((watermark) => watermark > newest),
    )
    await until('the settler to have the watermark, too', TICK_TIMEOUT_MS, async () => {
      const task = await installation.settlerTask(0)
      return task !== undefined && task.watermark > newest
    })
    const inbox = await installation.records('accountInbox', 0)
    assert((inbox.at(-1)?.timestampMs ?? 0) - newest >= WATERMARK_DELAY_MS)
  })

  it('has lost and doubled nothing, by another reckoning', async (t) => {
    t.diagnostic(await verified(installation))
  })
})
