import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { withAdmin } from '../../pipelines/kafka/kafkajs/admin.ts'
import type { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { readRanges } from '../../pipelines/kafka/read.ts'
import { systemRandom } from '../../pipelines/random.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { commitOffset } from '../support/servers/kafka-wire.ts'
import { UsageMaker, nodesOf, openUsageProducer, sendEvents } from '../support/records/produce.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { Truth } from '../support/oracles/truth.ts'
import { until } from '../support/until.ts'
import { CONSUMERS } from '../../schemas/services.ts'
import { verified } from '../support/oracles/verified.ts'
import type { ConsumerName } from '../../schemas/services.ts'

const PARTITIONS = 2

describe('the offsets of consumer groups', () => {
  let installation: Installation
  let producer: IdempotentProducer
  let running: Record<ConsumerName, ServiceProcess>
  const truth = new Truth()
  const maker = new UsageMaker(53, systemRandom.bytes(8))
  const nodes = [0, 1].flatMap((partition) => nodesOf(partition, PARTITIONS, 5))
  const sent: UsageEvent[] = []
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'groups', partitions: PARTITIONS })
    cleanup.defer(() => installation.dispose())
    producer = openUsageProducer(installation)
    cleanup.defer(() => producer.stop())
    running = await startServices(installation, ...CONSUMERS)
    cleanup.defer(stopAll)
    await sendSome()
    await truth.matches(installation)
    await truth.isPaid(installation)
  })
  after(() => cleanup.disposeAsync())

  async function stopAll(): Promise<void> {
    for (const name of CONSUMERS) await running[name].stop()
  }

  /** Sends new events, and again all that were sent before. */
  async function sendSome(): Promise<void> {
    const events = Array.from({ length: 200 }, (_, index) =>
      maker.event(nodes[index % nodes.length] as string),
    )
    await sendEvents(installation, producer, truth, [...events, ...sent])
    sent.push(...events)
  }

  /**
   * Stops the services, changes their groups, sends more events, starts them again: nothing may be lost or counted twice.
   */
  async function survives(
    change: (service: ConsumerName, topics: readonly string[]) => Promise<void>,
  ): Promise<void> {
    const { topics } = installation
    await stopAll()
    await change('aggregator', [topics.usageMetered])
    await change('settler', [topics.accountInbox])
    await change('loader', [topics.usageBlocks, topics.settlementBlocks])
    await sendSome()
    running = await startServices(installation, ...CONSUMERS)
    await truth.matches(installation)
    await truth.isPaid(installation)
    for (const name of CONSUMERS) assert.deepEqual((await running[name].readiness())?.halted, [])
  }

  async function commitAll(
    service: ConsumerName,
    topic: string,
    of: (partition: number) => bigint,
  ): Promise<void> {
    const [broker = ''] = installation.kafka.brokers
    for (let partition = 0; partition < PARTITIONS; partition++) {
      await commitOffset(broker, groupOf(service), { topic, partition, offset: of(partition) })
    }
  }

  const groupOf = (service: ConsumerName) => `${installation.prefix}${service}`

  it('may be deleted', async (t) => {
    await survives(async (service) => {
      await withAdmin(installation.kafka, (admin) => admin.deleteGroups([groupOf(service)]))
    })
    t.diagnostic(await verified(installation))
  })

  it('may be set to the beginning', async (t) => {
    await survives(async (service, topics) => {
      for (const topic of topics) await commitAll(service, topic, () => 0n)
    })
    const present = () => running.loader.metric('hivemeter_clickhouse_inserts_total', { outcome: 'present' })
    await until('the loader to find what it had loaded', 20_000, async () => (await present()) > 0)
    t.diagnostic(await verified(installation))
  })

  it('may be set behind what the tasks have not read', async (t) => {
    await running.aggregator.stop()
    await running.settler.stop()
    await sendSome()
    for (const [service, topic] of [
      ['aggregator', installation.topics.usageMetered],
      ['settler', installation.topics.accountInbox],
    ] as const) {
      const ends = await readRanges({ ...installation.kafka, topic })
      await commitAll(service, topic, (partition) => ends.get(partition)?.end ?? 0n)
    }
    Object.assign(running, await startServices(installation, 'aggregator', 'settler'))
    await truth.matches(installation)
    await truth.isPaid(installation)
    t.diagnostic(await verified(installation))
  })
})
