import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import type { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { ClickhouseProxy } from '../support/servers/clickhouse-proxy.ts'
import { endSessions } from '../support/servers/group-members.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { OwnClickhouse } from '../support/servers/own-clickhouse.ts'
import { UsageMaker, nodesOf, openUsageProducer, sendEvents } from '../support/records/produce.ts'
import { freePort, startService, startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { Truth } from '../support/oracles/truth.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'

const CLICKHOUSE_PORT = 26_801
const PARTITIONS = 2
const SOON_MS = 30_000

describe('the loader', () => {
  let clickhouse: OwnClickhouse
  let proxy: ClickhouseProxy
  let installation: Installation
  let producer: IdempotentProducer
  let loader: ServiceProcess
  const truth = new Truth()
  const maker = new UsageMaker(41, systemRandom.bytes(8))
  const nodes = nodesOf(0, PARTITIONS, 5)
  const [other] = nodesOf(1, PARTITIONS, 1) as [string]
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    clickhouse = await OwnClickhouse.start(CLICKHOUSE_PORT)
    cleanup.defer(() => clickhouse.dispose())
    proxy = await ClickhouseProxy.start(clickhouse.url, await freePort())
    cleanup.defer(() => proxy.stop())
    installation = await install({ name: 'loader', partitions: PARTITIONS, clickhouseUrl: clickhouse.url })
    cleanup.defer(() => installation.dispose())
    const started = await startServices(installation, 'aggregator', 'settler')
    for (const service of [started.settler, started.aggregator]) cleanup.defer(() => service.stop())
    loader = await startLoader()
    cleanup.defer(() => loader.stop())
    producer = openUsageProducer(installation)
    cleanup.defer(() => producer.stop())
  })
  after(() => cleanup.disposeAsync())

  const send = (node: string) =>
    sendEvents(
      installation,
      producer,
      truth,
      Array.from({ length: 20 }, () => maker.event(node)),
    )
  const inserts = (outcome: string, table?: string) =>
    loader.metric('hivemeter_clickhouse_inserts_total', {
      outcome,
      ...(table === undefined ? {} : { table }),
    })

  async function startLoader(): Promise<ServiceProcess> {
    const service = await startService(installation, 'loader', {
      settings: { HIVEMETER_CLICKHOUSE_URL: proxy.url },
    })
    return await service.ready()
  }

  async function restartLoader(): Promise<void> {
    await endSessions(installation, 'loader')
    loader = await startLoader()
  }

  /**
   * Sends events of a node of partition 0 and acts at a point of the INSERT into `table` in their group; it leaves the
   * group of a tick, which contains only `watermarks`, alone.
   */
  async function actAt(
    point: 'onInsert' | 'onSent' | 'onAcknowledged',
    table: string,
    act: () => Promise<void>,
  ): Promise<void> {
    const done = Promise.withResolvers<void>()
    const place = `${installation.topics.usageBlocks}/0/`
    let hasEvents = false
    proxy[point] = async (inserted, token) => {
      if (!token.startsWith(place)) return
      hasEvents ||= inserted === 'usage_events'
      if (!hasEvents || inserted !== table) return
      proxy[point] = undefined
      await act()
      done.resolve()
    }
    await send(nodes[0] as string)
    await done.promise
  }

  it('finishes a group after kill -9 of itself, whatever of it was there', async () => {
    await send(nodes[0] as string)
    await truth.matches(installation)
    const points = [
      ['onInsert', 'usage_1m'],
      ['onSent', 'usage_1m'],
      ['onAcknowledged', 'usage_15m'],
      ['onInsert', 'watermarks'],
      ['onAcknowledged', 'watermarks'],
    ] as const
    for (const [point, table] of points) {
      await actAt(point, table, () => loader.kill())
      await restartLoader()
      await truth.matches(installation)
      await until('a look to find the rows that were there', SOON_MS, async () => {
        return (await inserts('present', 'usage_events')) >= 1
      })
      assert.equal(await inserts('phantom'), 0)
    }
  })

  it('finishes a group after kill -9 of ClickHouse in the middle of an INSERT', async () => {
    for (const table of ['usage_events', 'usage_15m', 'watermarks']) {
      await actAt('onSent', table, () => clickhouse.kill())
      await clickhouse.start()
      await truth.matches(installation)
    }
    assert.equal(loader.ended, undefined, 'the loader outlives ClickHouse')
  })

  it('brings a part that a phantom token hides, under the next token', async () => {
    // The rows of the group's first INSERT are a part of their own until the part is removed.
    await installation.clickhouse.command('SYSTEM STOP MERGES usage_events')
    await actAt('onInsert', 'usage_1m', () => loader.kill())
    const part = await installation.row<{ path: string; rows: string; level: number }>(
      `SELECT path, toString(rows) AS rows, level FROM system.parts
         WHERE database = '${installation.database}' AND table = 'usage_events' AND active
         ORDER BY max_block_number DESC LIMIT 1`,
    )
    assert.deepEqual([part.rows, part.level], ['20', 0])
    // The result of a kill -9 between the deduplication log and the rename of the part: the token is there, the part is
    // not.
    await clickhouse.kill()
    await rm(part.path, { recursive: true })
    await clickhouse.start()
    await restartLoader()
    await truth.matches(installation)
    assert.equal(await inserts('phantom', 'usage_events'), 1)
    assert.equal(await inserts('phantom'), 1, 'no other INSERT of the group was doubted')
  })

  it('halts the partition of a refused block alone, and goes on when its remedy is applied', async (t) => {
    const refused = nodes[4] as string
    await installation.clickhouse.command(
      `ALTER TABLE usage_events ADD CONSTRAINT refuses CHECK node_id != '${refused}'`,
    )
    await send(refused)
    const halt = await loader.halted(0, SOON_MS)
    assert.equal(halt.topic, installation.topics.usageBlocks)
    assert.match(halt.reason, /^ClickHouse refused a block of .*usage\.blocks\[0\]: .*code 469: Constraint/s)
    assert.match(halt.remedy, /npm run migrate.*restart the loader.*kept 30 days/)
    assert.equal(await loader.metric('hivemeter_task_halts_total', { reason: 'block_refused' }), 1)
    assert.equal((await loader.readiness())?.status, 'not ready')
    await send(other)
    await until('the other partition to go on', SOON_MS, async () => {
      const { rows } = await installation.row<{ rows: string }>(
        `SELECT count() AS rows FROM usage_events WHERE node_id = '${other}'`,
      )
      return rows === '20'
    })

    await installation.clickhouse.command('ALTER TABLE usage_events DROP CONSTRAINT refuses')
    await loader.stop()
    loader = await startLoader()
    await truth.matches(installation)
    await truth.isPaid(installation)
    t.diagnostic(await verified(installation))
  })
})
