import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { seededDice } from '../../infra/local/sample/random.ts'
import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { ProduceError } from '../../pipelines/log/producer.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { API, KafkaProxy } from '../support/servers/kafka-proxy.ts'
import type { Exchange, ReplyFate } from '../support/servers/kafka-proxy.ts'
import { UsageMaker, nodesOf, sendEvents } from '../support/records/produce.ts'
import { freePort, startService, startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { Truth } from '../support/oracles/truth.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'
import type { ConsumerName } from '../../schemas/services.ts'

const SEED = 61
const PARTITIONS = 2
const SENDS = 250
const EVENTS_PER_SEND = 40
const SOON_MS = 40_000

/** One in this many answers to Produce and EndTxn is lost. */
const LOST_ONE_IN = 12

/** A swallowed answer costs its client 4 s, a cut connection nothing: so there are few of the former. */
const SWALLOWED_MAX = 3
const SENDS_AFTER_FAILURE_MAX = 20

describe('answers of the broker that are lost', () => {
  let installation: Installation
  let proxy: KafkaProxy
  let producer: IdempotentProducer
  let aggregator: ServiceProcess
  const truth = new Truth()
  const maker = new UsageMaker(SEED, systemRandom.bytes(8))
  const nodes = [0, 1].flatMap((partition) => nodesOf(partition, PARTITIONS, 5))
  const cleanup = new AsyncDisposableStack()
  let failedSends = 0

  before(async () => {
    installation = await install({ name: 'lost', partitions: PARTITIONS })
    cleanup.defer(() => installation.dispose())
    proxy = await KafkaProxy.start(installation.kafka.brokers, [await freePort()])
    cleanup.defer(() => proxy.stop())
    const { loader } = await startServices(installation, 'loader')
    cleanup.defer(() => loader.stop())
    const settler = await (await startBehindProxy('settler')).ready()
    cleanup.defer(() => settler.stop())
    const { kafka, topics } = installation
    const options = { ...kafka, brokers: proxy.brokers, topic: topics.usageMetered, metrics: noMetrics }
    producer = new IdempotentProducer(options)
    cleanup.defer(() => producer.stop())
  })
  after(async () => {
    proxy.onReply = () => 'pass'
    proxy.onRequest = () => 'pass'
    await cleanup.disposeAsync()
  })

  const startBehindProxy = (name: ConsumerName) =>
    startService(installation, name, { settings: { HIVEMETER_KAFKA_BROKERS: proxy.brokers.join(',') } })

  /** Sends until the broker has acknowledged, as a client of the gateway does: under the same ids. */
  async function sendUntilTaken(events: readonly UsageEvent[]): Promise<void> {
    for (let failures = 0; failures < SENDS_AFTER_FAILURE_MAX; failures++) {
      try {
        return await sendEvents(installation, producer, truth, events)
      } catch (error) {
        if (!(error instanceof ProduceError)) throw error
        failedSends++
      }
    }
    assert.fail(`${SENDS_AFTER_FAILURE_MAX} sends in a row were not acknowledged`)
  }

  const someEvents = () =>
    Array.from({ length: EVENTS_PER_SEND }, (_, index) => maker.event(nodes[index % nodes.length] as string))

  it('do not keep a task from its start: a tick that was lost is written again', async () => {
    const topic = installation.topics.usageMetered
    proxy.onRequest = ({ api, request }) => (api === API.produce && request.includes(topic) ? 'cut' : 'pass')
    aggregator = await startBehindProxy('aggregator')
    cleanup.defer(() => aggregator.stop())
    await until('the first tick to be lost', SOON_MS, async () => {
      if ((await aggregator.readiness()) === undefined) return false
      return (await aggregator.metric('hivemeter_produce_failures_total')) > 0
    })
    proxy.onRequest = () => 'pass'
    await aggregator.ready()
  })

  it('lose nothing that was acknowledged, and nothing counts twice', async (t) => {
    const dice = seededDice(SEED)
    const lost = { cut: 0, swallow: 0 }
    let commits = 0
    proxy.onReply = ({ api }: Exchange): ReplyFate => {
      if (api !== API.produce && api !== API.endTransaction) return 'pass'
      if (dice.between(1, LOST_ONE_IN) !== 1) return 'pass'
      const fate = lost.swallow < SWALLOWED_MAX && dice.next() < 0.2 ? 'swallow' : 'cut'
      lost[fate]++
      if (api === API.endTransaction) commits++
      return fate
    }
    for (let send = 0; send < SENDS; send++) await sendUntilTaken(someEvents())
    await truth.arrives(installation, SOON_MS)
    proxy.onReply = () => 'pass'
    await truth.matches(installation)
    await truth.isPaid(installation)
    t.diagnostic(
      `${lost.cut} connections cut instead of an answer, ${lost.swallow} answers swallowed; ${commits} were of commits`,
    )
    assert(commits > 0 && commits < lost.cut + lost.swallow, 'answers of commits and of sends are lost')
    t.diagnostic(await verified(installation))
  })

  it('make a send fail when all are; the producer that comes after it stores what it is given', async (t) => {
    for (let round = 0; round < 3; round++) {
      proxy.onReply = ({ api, request }) =>
        api === API.produce && request.includes(installation.topics.usageMetered) ? 'cut' : 'pass'
      const unanswered = someEvents()
      await assert.rejects(sendEvents(installation, producer, truth, unanswered), ProduceError)
      proxy.onReply = () => 'pass'
      // Under the same sequence numbers other records would be acknowledged as repeats of these and not be stored.
      await sendUntilTaken(someEvents())
      await sendUntilTaken(unanswered)
    }
    await truth.matches(installation)
    await truth.isPaid(installation)
    t.diagnostic(await verified(installation))
  })
})
