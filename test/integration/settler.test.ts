import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { accountCodec, inboxUsageCodec, SCHEMA_ID, schemaIdOf } from '../../schemas/avro.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { InboxUsage } from '../../schemas/records.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { UsageMaker, nodesOf, openUsageProducer, sendEvents } from '../support/records/produce.ts'
import { startService, startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { Truth } from '../support/oracles/truth.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'

const PARTITIONS = 2

describe('the settler task', () => {
  let installation: Installation
  let settler: ServiceProcess
  let inbox: IdempotentProducer
  const truth = new Truth()
  const maker = new UsageMaker(17, systemRandom.bytes(8))
  const nodes = [0, 1].flatMap((partition) => nodesOf(partition, PARTITIONS, 6))
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'settler', partitions: PARTITIONS })
    cleanup.defer(() => installation.dispose())
    const started = await startServices(installation, 'aggregator', 'settler', 'loader')
    settler = started.settler
    for (const service of [started.loader, started.aggregator]) cleanup.defer(() => service.stop())
    cleanup.defer(() => settler.stop())
    const { kafka, topics } = installation
    inbox = new IdempotentProducer({ ...kafka, topic: topics.accountInbox, metrics: noMetrics })
    cleanup.defer(() => inbox.stop())
    const producer = openUsageProducer(installation)
    cleanup.defer(() => producer.stop())
    for (let send = 0; send < 5; send++) {
      const events = Array.from({ length: 100 }, (_, index) =>
        maker.event(nodes[index % nodes.length] as string),
      )
      await sendEvents(installation, producer, truth, events)
    }
    await truth.matches(installation)
    await truth.isPaid(installation)
  })
  after(() => cleanup.disposeAsync())

  /** Accounts by node as they are in node.state: their encoded bytes. */
  async function accounts(partition: number): Promise<Map<string, Buffer>> {
    const states = new Map<string, Buffer>()
    for (const { key, value } of await installation.records('nodeState', partition)) {
      const node = key?.toString()
      if (node !== undefined && !node.startsWith('!') && value !== null) states.set(node, value)
    }
    return states
  }

  async function lastHandOver(partition: number): Promise<InboxUsage> {
    const records = await installation.records('accountInbox', partition)
    const last = records.findLast(({ value }) => schemaIdOf(value) === SCHEMA_ID.inboxUsage)
    assert(last?.value, 'the inbox holds a hand-over')
    return inboxUsageCodec.decode(last.value)
  }

  it('drops a range that was handed over twice, and counts it', async () => {
    const twice = (await installation.records('accountInbox', 0)).findLast(({ value }) => {
      return (
        schemaIdOf(value) === SCHEMA_ID.inboxUsage && inboxUsageCodec.decode(value as Buffer).sums.length > 0
      )
    })
    assert(twice?.value)
    const before = await accounts(0)
    const repeats = () => settler.metric('hivemeter_inbox_records_total', { outcome: 'repeat' })
    assert.equal(await repeats(), 0)
    await inbox.append([{ partition: 0, key: null, value: twice.value }])
    await until('the repeated range to be counted', 10_000, async () => (await repeats()) === 1)
    assert.deepEqual(await accounts(0), before)
    assert.deepEqual((await settler.readiness())?.halted, [])
  })

  it('restores every account as it was, and goes on from there', async () => {
    const before = [await accounts(0), await accounts(1)]
    await settler.stop()
    ;({ settler } = await startServices(installation, 'settler'))
    const producer = openUsageProducer(installation)
    const events = nodes.map((node) => maker.event(node, { task_source: 'hive', cost_nano_usd: 1_000_000 }))
    await sendEvents(installation, producer, truth, events)
    await producer.stop()
    await truth.isPaid(installation)
    for (const [partition, states] of before.entries()) {
      const now = await accounts(partition)
      assert.equal(now.size, states.size)
      for (const [node, state] of states) {
        const [was, is] = [accountCodec.decode(state), accountCodec.decode(now.get(node) as Buffer)]
        assert.deepEqual([is.events, is.cost_seq], [was.events + 1, was.cost_seq + 1], node)
        assert.equal(is.cost_nano_usd, was.cost_nano_usd + 1_000_000n)
      }
    }
  })

  it('has paid everything once, by another reckoning', async (t) => {
    await truth.matches(installation)
    t.diagnostic(await verified(installation))
  })

  it('halts a partition whose hand-over has a gap, with the remedy; the others go on', async () => {
    const { to_offset, to_index, watermark } = await lastHandOver(0)
    const gap: InboxUsage = {
      from_offset: to_offset + 3,
      from_index: to_index,
      to_offset: to_offset + 4,
      to_index: 0,
      watermark,
      entries: [],
      sums: [],
    }
    const before = await accounts(0)
    await inbox.append([{ partition: 0, key: null, value: inboxUsageCodec.encode(gap) }])
    const halt = await settler.halted(0)
    assert.match(
      halt.reason,
      /^The inbox record at \d+ covers usage from \d+\.0, the last one applied ended at \d+\.\d+\.$/,
    )
    assert.match(halt.remedy, /npm run verify/)
    assert.equal(await settler.metric('hivemeter_task_halts_total', { reason: 'hand_over_gap' }), 1)
    assert.equal(await settler.metric('hivemeter_task_state', { partition: 0, state: 'halted' }), 1)

    const producer = openUsageProducer(installation)
    const nodeOf1 = nodes[6] as string
    const settledBefore = accountCodec.decode((await accounts(1)).get(nodeOf1) as Buffer).events
    await sendEvents(installation, producer, new Truth(), [
      maker.event(nodeOf1),
      maker.event(nodes[0] as string),
    ])
    await producer.stop()
    await until('the other partition to go on', 10_000, async () => {
      const state = (await accounts(1)).get(nodeOf1)
      return state !== undefined && accountCodec.decode(state).events === settledBefore + 1
    })
    assert.deepEqual(await accounts(0), before, 'the halted partition stands where it was')

    // A restart does not remove the gap: it is in the log.
    await settler.stop()
    settler = await startService(installation, 'settler')
    assert.equal((await settler.halted(0)).reason, halt.reason)
  })
})
