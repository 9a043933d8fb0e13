import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import kafkajs from 'kafkajs'
import type { Transaction } from 'kafkajs'
import { systemRandom } from '../../pipelines/random.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { UsageMaker, nodesOf, openUsageProducer, usageRecord } from '../support/records/produce.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { Truth } from '../support/oracles/truth.ts'
import { until } from '../support/until.ts'

const PARTITIONS = 2
/** After this time the broker ends it by itself. */
const TRANSACTION_TIMEOUT_MS = 60_000
const NAMED_WITHIN_MS = 45_000

describe('a transaction that an outside producer leaves open', () => {
  let installation: Installation
  let aggregator: ServiceProcess
  let transaction: Transaction
  const truth = new Truth()
  const maker = new UsageMaker(41, systemRandom.bytes(8))
  const [node = ''] = nodesOf(1, PARTITIONS, 1)
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'open_transaction', partitions: PARTITIONS })
    cleanup.defer(() => installation.dispose())
    const started = await startServices(installation, 'aggregator', 'settler', 'loader')
    aggregator = started.aggregator
    for (const service of Object.values(started)) cleanup.defer(() => service.stop())
    const { brokers } = installation.kafka
    const kafka = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING })
    const outside = kafka.producer({
      transactionalId: `${installation.topics.usageMetered}-outside`,
      idempotent: true,
      maxInFlightRequests: 1,
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
    })
    await outside.connect()
    cleanup.defer(() => outside.disconnect())
    transaction = await outside.transaction()
  })
  after(() => cleanup.disposeAsync())

  const openSeconds = (partition: number): Promise<number> =>
    aggregator.metric('hivemeter_open_transaction_seconds', { partition: String(partition) })
  const notes = async (): Promise<string> => ((await aggregator.readiness())?.notes ?? []).join(' ')

  it('shows as none while there is none', async () => {
    assert.deepEqual(await Promise.all([openSeconds(0), openSeconds(1)]), [0, 0])
    assert.equal(await notes(), '')
  })

  it('is named in /readyz with its partition and offset, and measured', async () => {
    const topic = installation.topics.usageMetered
    const inside = maker.event(node)
    const { value } = usageRecord(1, [inside])
    await transaction.send({ topic, messages: [{ partition: 1, key: node, value }] })
    // Records after it are acknowledged, and wait.
    const behind = maker.event(node)
    const producer = openUsageProducer(installation)
    await producer.append([usageRecord(1, [behind])])
    await producer.stop()
    truth.add(behind)
    const named = await until('the transaction to be named', NAMED_WITHIN_MS, async () => {
      const text = await notes()
      return text === '' ? undefined : text
    })
    assert.ok(named.startsWith(`${topic}[1]: a producer's transaction has been open for `), named)
    assert.match(named, /abort --topic \S+ --partition 1 --start-offset \d+/)
    await until('it to be measured', NAMED_WITHIN_MS, async () => (await openSeconds(1)) >= 15)
    assert.equal(await openSeconds(0), 0)
  })

  it('is forgotten when it has ended, and what stood behind it counts', async () => {
    await transaction.abort()
    await truth.matches(installation)
    await until('the note to go', NAMED_WITHIN_MS, async () => (await notes()) === '')
    assert.equal(await openSeconds(1), 0)
  })
})
