import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import type { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { TASK_BOUNDS } from '../../pipelines/task/task.ts'
import { noFailpoint } from '../../pipelines/failpoints.ts'
import { TransactionalWriter } from '../../pipelines/kafka/transaction.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { fenceCodec, STATE_KEY } from '../../schemas/avro.ts'
import { endSessions } from '../support/servers/group-members.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { UsageMaker, nodesOf, openUsageProducer, sendEvents } from '../support/records/produce.ts'
import { startService, startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { Truth } from '../support/oracles/truth.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'

const PARTITIONS = 2
const SOON_MS = 20_000

describe('the fence', () => {
  let installation: Installation
  let producer: IdempotentProducer
  let first: ServiceProcess
  const truth = new Truth()
  const maker = new UsageMaker(23, systemRandom.bytes(8))
  const nodes = [0, 1].flatMap((partition) => nodesOf(partition, PARTITIONS, 4))
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'fence', partitions: PARTITIONS })
    cleanup.defer(() => installation.dispose())
    const started = await startServices(installation, 'aggregator', 'settler', 'loader')
    first = started.aggregator
    for (const service of [started.loader, started.settler]) cleanup.defer(() => service.stop())
    cleanup.defer(() => first.stop())
    producer = openUsageProducer(installation)
    cleanup.defer(() => producer.stop())
  })
  after(() => cleanup.disposeAsync())

  const send = () =>
    sendEvents(
      installation,
      producer,
      truth,
      nodes.map((node) => maker.event(node)),
    )
  const fences = (service: ServiceProcess) => service.metric('hivemeter_task_fences_total')

  it('refuses the older of two writers of one task, whichever it is, and the work goes on', async () => {
    await send()
    await truth.matches(installation)
    const state = { topic: installation.topics.usageIds, partition: 0, key: STATE_KEY.fence }
    const rival = new TransactionalWriter({
      ...installation.kafka,
      transactionalId: `${installation.prefix}aggregator-0`,
      failpoint: noFailpoint,
    })
    await rival.commit([{ ...state, value: fenceCodec.encode({ instance: 'rival' }) }])

    // The service is the zombie now: its next transaction is refused, and it starts at its fence again.
    await send()
    await until('the service to be refused', SOON_MS, async () => (await fences(first)) === 1)
    await truth.matches(installation)

    // That made a zombie of the rival.
    const late = [{ ...state, value: fenceCodec.encode({ instance: 'rival, late' }) }]
    await assert.rejects(rival.commit(late), /old epoch|fenced|INVALID_PRODUCER_EPOCH/i)
    await rival.close()
    const records = await installation.records('usageIds', 0)
    const rivals = records
      .filter(({ key }) => key?.toString() === STATE_KEY.fence)
      .map(({ value }) => fenceCodec.decode(value as Buffer).instance)
      .filter((instance) => instance.startsWith('rival'))
    assert.deepEqual(rivals, ['rival'], 'the late fence is not in the log')
    assert.equal(await fences(first), 1)
  })

  it('refuses a process that was frozen while another took over; then both share the work in peace', async (t) => {
    // Frozen with a fetch under way: these events wait in its socket while the other instance counts them.
    first.signal('SIGSTOP')
    await send()
    await endSessions(installation, 'aggregator')
    const second = await startService(installation, 'aggregator')
    cleanup.defer(() => second.stop())
    await second.ready()
    await send()
    await truth.matches(installation)
    assert.equal(await fences(second), 0)

    first.signal('SIGCONT')
    await until('the thawed process to be refused', SOON_MS, async () => (await fences(first)) > 1)
    await until('both to have a partition', SOON_MS, async () => {
      await send()
      const running = [first, second].map((service) =>
        service.metric('hivemeter_task_state', { state: 'running' }),
      )
      return (await Promise.all(running)).every((count) => count === 1)
    })
    // Instances that fence each other in turns would do it once in this time.
    const settledAt = [await fences(first), await fences(second)]
    const untilMs = systemClock.monotonicMs() + TASK_BOUNDS.fenceIntervalMs + 1_500
    while (systemClock.monotonicMs() < untilMs) {
      await send()
      await systemClock.delay(100)
    }
    assert.deepEqual([await fences(first), await fences(second)], settledAt)
    assert(settledAt[0] === 2 || settledAt[0] === 3, `at most once a partition: ${settledAt[0] ?? 0}`)
    assert.equal(settledAt[1], 0, 'who took over is never refused')
    await truth.matches(installation)
    await truth.isPaid(installation)
    t.diagnostic(await verified(installation))
  })
})
