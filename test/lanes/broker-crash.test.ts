import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import { ProduceError } from '../../pipelines/log/producer.ts'
import type { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { systemRandom } from '../../pipelines/random.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { OwnKafka } from '../support/servers/own-kafka.ts'
import { UsageMaker, nodesOf, openUsageProducer, sendEvents } from '../support/records/produce.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { Truth } from '../support/oracles/truth.ts'
import { until } from '../support/until.ts'
import { CONSUMERS } from '../../schemas/services.ts'
import { verified } from '../support/oracles/verified.ts'

const KAFKA_PORT = 26_802
const CONTROLLER_PORT = 26_803
const PARTITIONS = 2
const SOON_MS = 60_000
const EVENTS_BEFORE = 5_000

describe('kill -9 of the broker', () => {
  let kafka: OwnKafka
  let installation: Installation
  let producer: IdempotentProducer
  let services: Record<'aggregator' | 'settler' | 'loader', ServiceProcess>
  const truth = new Truth()
  const maker = new UsageMaker(71, systemRandom.bytes(8))
  const nodes = [0, 1].flatMap((partition) => nodesOf(partition, PARTITIONS, 5))
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    kafka = await OwnKafka.start(KAFKA_PORT, CONTROLLER_PORT)
    cleanup.defer(() => kafka.dispose())
    installation = await install({ name: 'crash', partitions: PARTITIONS, brokers: [kafka.broker] })
    cleanup.defer(() => installation.dispose())
    services = await startServices(installation, ...CONSUMERS)
    for (const service of Object.values(services)) cleanup.defer(() => service.stop())
    producer = openUsageProducer(installation)
    cleanup.defer(() => producer.stop())
  })
  after(() => cleanup.disposeAsync())

  const someEvents = () =>
    Array.from({ length: 50 }, (_, index) => maker.event(nodes[index % nodes.length] as string))

  /** Sends until the broker has acknowledged, under the same ids. */
  async function sendUntilTaken(events: readonly UsageEvent[]): Promise<void> {
    const deadlineMs = systemClock.monotonicMs() + SOON_MS
    for (;;) {
      try {
        return await sendEvents(installation, producer, truth, events)
      } catch (error) {
        if (!(error instanceof ProduceError) || systemClock.monotonicMs() > deadlineMs) throw error
      }
    }
  }

  it('ends no service, loses nothing that was acknowledged, and counts nothing twice', async (t) => {
    const over = new AbortController()
    const traffic = (async () => {
      while (!over.signal.aborted) await sendUntilTaken(someEvents())
    })()
    await until('traffic', SOON_MS, () => truth.totals.events > EVENTS_BEFORE)
    await kafka.kill()
    await kafka.start()
    const startedMs = systemClock.monotonicMs()
    over.abort()
    await traffic
    // kafkajs joins as a new member; the group waits 10 s, the time of a session, for the old one.
    await truth.matches(installation, SOON_MS)
    await truth.isPaid(installation, SOON_MS)
    const tookMs = Math.round(systemClock.monotonicMs() - startedMs)
    t.diagnostic(`${truth.totals.events} events; all are counted ${tookMs} ms after the broker is back`)
    for (const service of Object.values(services)) await service.ready()
    t.diagnostic(await verified(installation))
  })
})
