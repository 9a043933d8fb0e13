import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { appendBatch, packedBatch } from '../support/records/packed-batch.ts'
import { UsageMaker, nodesOf, usageRecord } from '../support/records/produce.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { Truth } from '../support/oracles/truth.ts'
import { until } from '../support/until.ts'

const PARTITIONS = 2

/** More than a call takes as arguments. */
const RECORDS = 130_000
const ARRIVES_WITHIN_MS = 60_000

describe('130,000 records in one batch', () => {
  let installation: Installation
  let aggregator: ServiceProcess
  const truth = new Truth()
  const maker = new UsageMaker(7, systemRandom.bytes(8))
  const [node = ''] = nodesOf(0, PARTITIONS, 1)
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'many', partitions: PARTITIONS })
    cleanup.defer(() => installation.dispose())
    const started = await startServices(installation, 'aggregator', 'settler', 'loader')
    aggregator = started.aggregator
    for (const service of Object.values(started)) cleanup.defer(() => service.stop())
  })
  after(() => cleanup.disposeAsync())

  it('are counted, and read back whole', async () => {
    const [broker = ''] = installation.kafka.brokers
    const topic = installation.topics.usageMetered
    const events = Array.from({ length: 1_000 }, () => maker.event(node))
    const values = events.map((event) => usageRecord(0, [event]).value as Buffer)
    const many = Array.from({ length: RECORDS }, (_, index) => values[index % values.length] as Buffer)
    const first = await appendBatch(broker, topic, 0, packedBatch(many, systemClock.nowMs()))
    for (const event of events) truth.add(event)
    await truth.matches(installation, ARRIVES_WITHIN_MS)
    await until(
      'all records of the batch',
      ARRIVES_WITHIN_MS,
      async () => (await aggregator.metric('hivemeter_events_repeated_total')) === RECORDS - events.length,
      () => aggregator.lastWords,
    )
    const read = (await installation.records('usageMetered', 0)).filter(({ offset }) => offset >= first)
    assert.deepEqual(
      read.slice(0, RECORDS).map(({ offset, value }) => [offset - first, value?.length]),
      many.map((value, index) => [BigInt(index), value.length]),
    )
  })
})
