import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import type { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { readRanges } from '../../pipelines/kafka/read.ts'
import { systemRandom } from '../../pipelines/random.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { OwnClickhouse } from '../support/servers/own-clickhouse.ts'
import { UsageMaker, nodesOf, openUsageProducer, sendEvents } from '../support/records/produce.ts'
import { startService, startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { Truth } from '../support/oracles/truth.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'

const CLICKHOUSE_PORT = 26_800
const PARTITIONS = 2

/** The least that the setting allows; a bucket closes at 65,536 ids. */
const IDS_MAX = 100_000

/** Not a divisor of that: a full memory has a little room left, for small records. */
const EVENTS_PER_RECORD = 999
const SOON_MS = 40_000

describe('a repeat whose bucket has left memory', () => {
  let clickhouse: OwnClickhouse
  let installation: Installation
  let producer: IdempotentProducer
  let aggregator: ServiceProcess
  let loader: ServiceProcess
  const truth = new Truth()
  const maker = new UsageMaker(31, systemRandom.bytes(8))
  const nodes = nodesOf(0, PARTITIONS, 10)
  const [calm] = nodesOf(1, PARTITIONS, 1) as [string]
  const sent: UsageEvent[] = []
  const settings = { HIVEMETER_IDS_MAX: String(IDS_MAX) }
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    clickhouse = await OwnClickhouse.start(CLICKHOUSE_PORT)
    cleanup.defer(() => clickhouse.dispose())
    installation = await install({ name: 'dedupe', partitions: PARTITIONS, clickhouseUrl: clickhouse.url })
    cleanup.defer(() => installation.dispose())
    const started = await startServices(installation, 'settler', 'loader')
    loader = started.loader
    cleanup.defer(() => started.settler.stop())
    cleanup.defer(() => loader.stop())
    aggregator = await (await startService(installation, 'aggregator', { settings })).ready()
    cleanup.defer(() => aggregator.stop())
    producer = openUsageProducer(installation)
    cleanup.defer(() => producer.stop())
  })
  after(() => cleanup.disposeAsync())

  const send = (events: readonly UsageEvent[]) => sendEvents(installation, producer, truth, events)
  const repeats = (where: string) => aggregator.metric('hivemeter_events_repeated_total', { where })
  const evicted = () => aggregator.metric('hivemeter_ids_evicted_total')
  const counted = () => aggregator.metric('hivemeter_events_counted_total')

  /** New events of partition 0, in the order of their times: the oldest leave memory first. */
  async function sendNew(count: number): Promise<void> {
    const startMs = systemClock.nowMs() - 3_600_000 + sent.length
    for (let made = 0; made < count; made += EVENTS_PER_RECORD) {
      const events = Array.from({ length: EVENTS_PER_RECORD }, (_, index) => {
        const node = nodes[index % nodes.length] as string
        return maker.event(node, {
          occurred_at: startMs + made + index,
          cost_nano_usd: index === 0 ? 5_000_000 : 0,
        })
      })
      await send(events)
      sent.push(...events)
    }
  }

  it('is found in ClickHouse and dropped; one with another content is a conflict', async () => {
    // Ticks keep room for one record of the largest size: with more room than that nothing leaves.
    await sendNew(80_000)
    await truth.arrives(installation, SOON_MS)
    assert.equal(await evicted(), 0)
    await sendNew(40_000)
    await until('the first bucket to leave memory', SOON_MS, async () => (await evicted()) > 65_000)
    await truth.arrives(installation, SOON_MS)
    assert((await aggregator.metric('hivemeter_ids_held')) <= IDS_MAX)

    const gone = sent.slice(0, 400)
    const held = sent.slice(-400)
    await send([...gone, ...held])
    await until('the repeats to be counted', SOON_MS, async () => (await repeats('clickhouse')) === 400)
    assert.equal(await repeats('memory'), 400)
    const [first] = sent as [UsageEvent]
    await send([{ ...first, tokens_out: first.tokens_out + 1 }])
    await until('the conflict to be set aside', SOON_MS, async () => {
      return (await aggregator.metric('hivemeter_dead_letters_total', { reason: 'conflict' })) === 1
    })
    await truth.matches(installation)
  })

  it('is dropped with the loader stopped, too; then nothing leaves memory and the partition rests', async () => {
    await loader.stop()
    const before = { repeats: await repeats('clickhouse'), evicted: await evicted() }
    await send(sent.slice(1_000, 1_300))
    await until(
      'the repeats to be dropped',
      SOON_MS,
      async () => (await repeats('clickhouse')) === before.repeats + 300,
    )

    await sendNew(60_000)
    const idsHeld = () => aggregator.metric('hivemeter_ids_held')
    // The log alone is not enough: the partition may have rested before, while the loader was behind.
    await until('memory to be full', SOON_MS, async () => (await idsHeld()) > IDS_MAX - EVENTS_PER_RECORD)
    await until('the partition to rest', SOON_MS, () => aggregator.lastWords.includes('"reason":"ids_full"'))
    // One more look at a full memory, while the other partition goes on with the remaining room, if there is any.
    const held = await idsHeld()
    if (held < IDS_MAX) {
      const countedBefore = await counted()
      await send([maker.event(calm)])
      await until(
        'the other partition to go on',
        SOON_MS,
        async () => (await counted()) === countedBefore + 1,
      )
    }
    assert(held <= IDS_MAX && held > IDS_MAX - EVENTS_PER_RECORD, `${held} ids are held`)
    assert.equal(await evicted(), before.evicted, 'what ClickHouse does not have stays in memory')

    ;({ loader } = await startServices(installation, 'loader'))
    await truth.arrives(installation, SOON_MS)
    assert((await evicted()) > before.evicted)
    await truth.matches(installation)
  })

  it('rests at its record while ClickHouse is away, and the other partitions do not', async () => {
    const before = { counted: await counted(), repeats: await repeats('clickhouse') }
    await clickhouse.kill()
    await send([maker.event(nodes[0] as string)])
    await send(sent.slice(2_000, 2_100))
    await send([maker.event(nodes[1] as string)])
    const unavailable = () => aggregator.metric('hivemeter_id_lookups_total', { outcome: 'unavailable' })
    await until('the look-up to fail', SOON_MS, async () => (await unavailable()) > 0)
    await send([maker.event(calm)])
    await until('the other partition and the record before to be counted', SOON_MS, async () => {
      return (await counted()) === before.counted + 2
    })
    await until('a second look-up to fail', SOON_MS, async () => (await unavailable()) > 1)
    assert.equal(await counted(), before.counted + 2, 'the record behind the repeat waits')

    await clickhouse.start()
    await until('the rest to be counted', SOON_MS, async () => (await counted()) === before.counted + 3)
    assert.equal(await repeats('clickhouse'), before.repeats + 100)
    await truth.matches(installation)
  })

  it('is dropped after a restart from the shortened log of ids', async (t) => {
    const range = (await readRanges({ ...installation.kafka, topic: installation.topics.usageIds })).get(0)
    assert((range?.start ?? 0n) > 0n, 'records of evicted ids are deleted')
    await aggregator.stop()
    aggregator = await (await startService(installation, 'aggregator', { settings })).ready()
    assert((await aggregator.metric('hivemeter_ids_held')) < sent.length)
    await send([...sent.slice(0, 300), ...sent.slice(-300)])
    await until('all repeats to be dropped', SOON_MS, async () => {
      return (await repeats('clickhouse')) + (await repeats('memory')) === 600
    })
    assert.equal(await repeats('clickhouse'), 300)
    await truth.matches(installation)
    await truth.isPaid(installation)
    t.diagnostic(await verified(installation))
  })
})
