import assert from 'node:assert/strict'
import { cp, rm } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { deleteRecordsBefore, logRanges, withAdmin } from '../../pipelines/kafka/kafkajs/admin.ts'
import { readRanges } from '../../pipelines/kafka/read.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { EXIT } from '../../services/runtime/exit.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { OwnClickhouse } from '../support/servers/own-clickhouse.ts'
import { OwnKafka } from '../support/servers/own-kafka.ts'
import { UsageMaker, nodesOf, openUsageProducer, sendEvents } from '../support/records/produce.ts'
import { startService, startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { Truth } from '../support/oracles/truth.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'

const PARTITIONS = 2
const EVENTS = 600
const KAFKA_PORT = 26_980
const CONTROLLER_PORT = 26_981
const CLICKHOUSE_PORT = 26_982
const HALT_TIMEOUT_MS = 60_000

/** Four services that start at once on a busy machine. */
const START_TIMEOUT_MS = 120_000

/** The loader looks before each group that is loaded again, table by table. */
const LOAD_TIMEOUT_MS = 120_000

const NAMES = ['aggregator', 'settler', 'loader'] as const

describe('stores from copies that do not fit', () => {
  const cleanup = new AsyncDisposableStack()
  const truth = new Truth()
  const maker = new UsageMaker(7, systemRandom.bytes(8))
  const nodes = [0, 1].flatMap((partition) => nodesOf(partition, PARTITIONS, 4))
  let kafka: OwnKafka
  let clickhouse: OwnClickhouse
  let installation: Installation
  /** Blocks in the copy of Kafka. */
  let copied: readonly number[] = []

  before(async () => {
    kafka = await OwnKafka.start(KAFKA_PORT, CONTROLLER_PORT)
    cleanup.defer(() => kafka.dispose())
    clickhouse = await OwnClickhouse.start(CLICKHOUSE_PORT)
    cleanup.defer(() => clickhouse.dispose())
    const { url: clickhouseUrl } = clickhouse
    installation = await install({
      name: 'copies',
      partitions: PARTITIONS,
      brokers: [kafka.broker],
      clickhouseUrl,
    })
  })
  after(() => cleanup.disposeAsync())

  async function running<T>(
    work: (services: Record<(typeof NAMES)[number], ServiceProcess>) => Promise<T>,
  ): Promise<T> {
    const services = await startServices(installation, ...NAMES)
    try {
      return await work(services)
    } finally {
      for (const name of NAMES) await services[name].stop()
    }
  }

  async function send(to: Truth): Promise<void> {
    const producer = openUsageProducer(installation)
    const events = Array.from({ length: EVENTS }, (_, index) =>
      maker.event(nodes[index % nodes.length] ?? ''),
    )
    await sendEvents(installation, producer, to, events)
    await producer.stop()
  }

  /** Events that are counted, paid and loaded. */
  async function more(): Promise<void> {
    await send(truth)
    await truth.matches(installation, LOAD_TIMEOUT_MS)
    await truth.isPaid(installation, LOAD_TIMEOUT_MS)
  }

  const eventRows = async (): Promise<number> =>
    Number((await installation.row<{ rows: string }>('SELECT count() AS rows FROM usage_events')).rows)

  const copyOf = (dir: string): string => `${dir}.copy`
  async function copy(dir: string): Promise<void> {
    await cp(dir, copyOf(dir), { recursive: true, verbatimSymlinks: true })
    cleanup.defer(() => rm(copyOf(dir), { recursive: true, force: true }))
  }
  async function putBack(dir: string): Promise<void> {
    await rm(dir, { recursive: true })
    await cp(copyOf(dir), dir, { recursive: true, verbatimSymlinks: true })
  }

  it('fills an older ClickHouse from the log by itself', async (t) => {
    await running(more)
    copied = await blocks()
    // In the order of docs/backup.md: ClickHouse first, then Kafka, with nothing running.
    await clickhouse.stop()
    await copy(clickhouse.dir)
    await kafka.stop()
    await copy(kafka.dir)
    await kafka.start()
    await clickhouse.start()
    await running(async ({ loader }) => {
      await more()
      assert.equal(await loader.metric('hivemeter_loader_reloads_total'), 0)
    })
    await verified(installation)

    await clickhouse.stop()
    await putBack(clickhouse.dir)
    await clickhouse.start()
    await running(async ({ loader }) => {
      await more()
      assert.equal(await loader.metric('hivemeter_loader_reloads_total'), 2 * PARTITIONS)
      assert.equal(await loader.metric('hivemeter_loader_reload_blocks'), 0)
      t.diagnostic(await verified(installation))
    })
  })

  it('stops every task and loader of a Kafka that is older than ClickHouse, before it writes a block', async () => {
    await kafka.stop()
    await putBack(kafka.dir)
    await kafka.start()
    const services = await Promise.all(NAMES.map((name) => startService(installation, name)))
    for (const service of services) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const { reason, remedy } = await service.halted(partition, HALT_TIMEOUT_MS)
        assert.match(reason, /^Kafka is older than ClickHouse: /, service.name)
        assert.match(
          remedy,
          /^Stop all services, put back copies .* Kafka as the newer one \(docs\/backup\.md\)/,
        )
      }
    }
    assert.deepEqual(await blocks(), copied, 'nothing was written on')
    for (const service of services) await service.stop()
    const { exitCode, output } = await installation.command('verify', ['--wait', '1'])
    assert.equal(exitCode, EXIT.differences, output)
    assert.match(output, /^Kafka is older than ClickHouse: .*usage\.blocks\[0\]/m)
  })

  it('goes on with copies that belong together', async () => {
    await clickhouse.stop()
    await putBack(clickhouse.dir)
    await clickhouse.start()
    await running(async () => {
      await until('the copies to be whole again', HALT_TIMEOUT_MS, async () => {
        const { exitCode } = await installation.command('verify')
        return exitCode === EXIT.ok
      })
    })
  })

  it('starts nothing where the stores name two installations, or one names none', async () => {
    const rename = async (ids: readonly string[]): Promise<void> => {
      await installation.clickhouse.command('TRUNCATE TABLE installation')
      for (const id of ids) {
        await installation.clickhouse.command('INSERT INTO installation SELECT {id:UUID}, now64(3)', { id })
      }
    }
    for (const [ids, message] of [
      [['11111111-2222-4333-8444-555555555555'], /Kafka belongs to installation .*, ClickHouse to 11111111-/],
      [[], /ClickHouse does not say which installation it belongs to.*Run npm run migrate/],
    ] as const) {
      await rename(ids)
      const services = await Promise.all(
        [...NAMES, 'reader' as const].map((name) => startService(installation, name)),
      )
      for (const service of services) {
        await until(`${service.name} to end`, START_TIMEOUT_MS, () => service.ended !== undefined)
        assert.equal(service.ended, EXIT.configuration, service.lastWords)
        assert.match(service.lastWords, message)
      }
    }
    assert.equal((await installation.command('migrate')).exitCode, EXIT.ok)
    await running(async () => {})
  })

  it('halts where the blocks are gone, and goes on once an operator says that they may be missing', async () => {
    const topic = installation.topics.usageBlocks
    await running(async () => {
      const rows = (await eventRows()) + EVENTS
      await send(new Truth())
      await until('the events to be loaded', LOAD_TIMEOUT_MS, async () => (await eventRows()) >= rows)
    })
    await clickhouse.stop()
    await putBack(clickhouse.dir)
    await clickhouse.start()
    const end = (await readRanges({ ...installation.kafka, topic })).get(0)?.end ?? 0n
    await withAdmin(installation.kafka, async (admin) => {
      // kafkajs deletes only from topics whose offsets it has fetched.
      await logRanges(admin, topic)
      await deleteRecordsBefore(admin, topic, 0, end)
    })
    const services = await Promise.all(NAMES.map((name) => startService(installation, name)))
    const loader = services.find(({ name }) => name === 'loader')
    assert(loader !== undefined)
    const { reason, remedy } = await loader.halted(0, HALT_TIMEOUT_MS)
    const [, first = ''] =
      /^The log begins with block (\d+) at .* those between are gone\.$/.exec(reason) ?? []
    assert.match(remedy, /docs\/backup\.md, "Blocks that are gone"/)
    // The command in docs/backup.md.
    await installation.clickhouse.command(
      `INSERT INTO load_notes (src_topic, src_partition, missing_through) VALUES ('${topic}', 0, ${Number(first) - 1})`,
    )
    await loader.stop()
    const next = await startService(installation, 'loader')
    await until('what the log holds to be loaded', HALT_TIMEOUT_MS, async () => {
      const { seq } = await installation.row<{ seq: string }>(
        `SELECT max(src_seq) AS seq FROM watermarks WHERE src_topic = '${topic}' AND src_partition = 0`,
      )
      return Number(seq) >= Number(first)
    })
    const { exitCode, output } = await installation.command('verify')
    assert.equal(exitCode, EXIT.differences, output)
    assert.deepEqual((await next.readiness())?.halted, [])
    for (const service of [...services.filter((one) => one !== loader), next]) await service.stop()
  })

  /** Blocks in the log, without the ticks of fences. */
  async function blocks(): Promise<number[]> {
    const counts: number[] = []
    for (const role of ['usageBlocks', 'settlementBlocks'] as const) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const records = await installation.records(role, partition)
        counts.push(records.filter(({ headers }) => headers['table'] !== undefined).length)
      }
    }
    return counts
  }
})
