import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { bombOf } from '../support/records/bombs.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { appendBatch, batchOf } from '../support/records/packed-batch.ts'
import { UsageMaker, nodesOf, openUsageProducer, sendEvents } from '../support/records/produce.ts'
import { startService, startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { Truth } from '../support/oracles/truth.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'

const PARTITIONS = 2
const MIB = 1_048_576
const ARRIVES_WITHIN_MS = 120_000

/** The most that two megabytes unpack to; for snappy no more than is read. */
const BOMBS = [
  ['gzip', 200 * MIB],
  ['lz4', 400 * MIB],
  ['zstd', 200 * MIB],
] as const

/** A task with nothing to do uses about 150 MiB. */
const RESIDENT_BYTES_MAX = 700 * MIB

describe('batches of two megabytes that unpack to hundreds', () => {
  let installation: Installation
  let services: Record<'aggregator' | 'settler' | 'loader', ServiceProcess>
  const truth = new Truth()
  const maker = new UsageMaker(7, systemRandom.bytes(8))
  const [node = ''] = nodesOf(0, PARTITIONS, 1)
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'bombs', partitions: PARTITIONS })
    cleanup.defer(() => installation.dispose())
    services = await startServices(installation, 'aggregator', 'settler', 'loader')
    for (const service of Object.values(services)) cleanup.defer(() => service.stop())
  })
  after(() => cleanup.disposeAsync())

  /** Offsets of the dead letters of a topic's first partition. */
  const lettersOf = async (topic: string): Promise<string[]> => {
    const rows = await installation.clickhouse.rows<{ offset: string; reasons: string[] }>(
      'SELECT record_offset AS offset, reasons FROM dead_letters WHERE topic = {topic:String} ORDER BY record_offset',
      { topic },
    )
    return rows.map(({ offset, reasons }) => `${offset} ${reasons.join()}`)
  }

  for (const role of ['usageMetered', 'accountInbox'] as const) {
    it(`are letters on ${role}, and what stands around them counts`, async () => {
      const topic = installation.topics[role]
      const [broker = ''] = installation.kafka.brokers
      const producer = openUsageProducer(installation)
      const offsets: bigint[] = []
      try {
        for (const [codec, bytes] of BOMBS) {
          await sendEvents(installation, producer, truth, [maker.event(node)])
          const bomb = batchOf(codec, await bombOf(codec, bytes), 1, systemClock.nowMs())
          offsets.push(await appendBatch(broker, topic, 0, bomb))
        }
        await sendEvents(installation, producer, truth, [maker.event(node)])
      } finally {
        await producer.stop()
      }
      await truth.matches(installation, ARRIVES_WITHIN_MS)
      const expected = offsets.map((offset) => `${offset} cannot_be_unpacked`)
      await until(
        'the letters',
        ARRIVES_WITHIN_MS,
        async () => (await lettersOf(topic)).length >= expected.length,
        () => services.aggregator.lastWords,
      )
      assert.deepEqual(await lettersOf(topic), expected)
    })
  }

  it('take no more memory than the bounds say, and another reckoning agrees', async (t) => {
    for (const service of [services.aggregator, services.settler]) {
      const status = readFileSync(`/proc/${service.process.pid}/status`, 'utf8')
      const mostBytes = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1_024
      t.diagnostic(`${service.name}: ${Math.round(mostBytes / MIB)} MiB at most`)
      assert.ok(mostBytes < RESIDENT_BYTES_MAX, `${service.name}: ${Math.round(mostBytes / MIB)} MiB`)
    }
    await truth.isPaid(installation)
    t.diagnostic(await verified(installation))
  })

  it('halt who reads a topic in which every record counts, with the batch, and no other partition', async () => {
    const [broker = ''] = installation.kafka.brokers
    const { usageIds, settlementBlocks } = installation.topics
    const append = async (topic: string): Promise<bigint> => {
      const bomb = batchOf('zstd', await bombOf('zstd', 100 * MIB), 1, systemClock.nowMs())
      return await appendBatch(broker, topic, 0, bomb)
    }
    const block = await append(settlementBlocks)
    const loading = await services.loader.halted(0)
    assert.equal(loading.topic, settlementBlocks)
    assert.match(loading.reason, new RegExp(`offsets ${block} to ${block} cannot be unpacked`))
    const state = await append(usageIds)
    await services.aggregator.stop()
    const aggregator = await startService(installation, 'aggregator')
    cleanup.defer(() => aggregator.stop())
    const counting = await aggregator.halted(0)
    assert.match(counting.reason, new RegExp(`offsets ${state} to ${state} cannot be unpacked`))
    assert.match(counting.remedy, /Only this installation writes there/)
    assert.equal((await aggregator.readiness())?.halted.length, 1)
  })
})
