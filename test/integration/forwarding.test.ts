import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import type { LogAppend } from '../../pipelines/log/records.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { usageEventCodec } from '../../schemas/avro.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { UsageMaker, nodesOf, openUsageProducer, usageRecord } from '../support/records/produce.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { Truth } from '../support/oracles/truth.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'

const PARTITIONS = 3
const NODES = 4

describe('a producer with another partitioner', () => {
  let installation: Installation
  let producer: IdempotentProducer
  let aggregator: ServiceProcess
  const truth = new Truth()
  const maker = new UsageMaker(23, systemRandom.bytes(8))
  const nodes = [0, 1, 2].flatMap((partition) => nodesOf(partition, PARTITIONS, NODES))
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'forwarding', partitions: PARTITIONS })
    cleanup.defer(() => installation.dispose())
    producer = openUsageProducer(installation)
    cleanup.defer(() => producer.stop())
    const started = await startServices(installation, 'aggregator', 'settler', 'loader')
    aggregator = started.aggregator
    for (const service of Object.values(started)) cleanup.defer(() => service.stop())
  })
  after(() => cleanup.disposeAsync())

  /** Records as a producer with a schema registry writes them: one event per record. */
  const singles = (partition: number, events: readonly UsageEvent[]): LogAppend[] =>
    events.map((event) => ({ partition, key: event.node_id, value: usageEventCodec.encode(event) }))

  const lettersCount = async (): Promise<number> =>
    Number((await installation.row<{ count: string }>('SELECT count() AS count FROM dead_letters')).count)

  it('has every event counted once, on its own partition, whatever it does', async (t) => {
    let elsewhere = 0
    for (let record = 0; record < 30; record++) {
      const partition = record % PARTITIONS
      const events = nodes.map((node) => maker.event(node))
      const isPacked = record % 2 === 0
      elsewhere += events.filter(({ node_id }) => partitionOfNode(node_id, PARTITIONS) !== partition).length
      await producer.append(isPacked ? [usageRecord(partition, events)] : singles(partition, events))
      for (const event of events) truth.add(event)
    }
    await truth.matches(installation)
    await truth.isPaid(installation)
    await until(
      'all events that were sent on to be counted',
      10_000,
      async () => (await aggregator.metric('hivemeter_events_forwarded_total')) === elsewhere,
    )
    assert.equal(await lettersCount(), 0)
    t.diagnostic(await verified(installation))
  })

  it('is named in /readyz, which stays ready', async () => {
    const { status, notes = [] } = (await aggregator.readiness()) ?? {}
    assert.equal(status, 'ready')
    assert.match(
      notes.join(' '),
      /with another partitioner: \d+ events .* partition 0, 1, 2 and were sent on/,
    )
  })
})
