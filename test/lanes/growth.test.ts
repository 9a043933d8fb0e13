import { SERVICE_NAMES } from '../../schemas/services.ts'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../pipelines/clock.ts'
import { withAdmin } from '../../pipelines/kafka/kafkajs/admin.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { EXIT } from '../../services/runtime/exit.ts'
import { GROWTH_STEPS } from '../../services/migrate/grow/grow.ts'
import { postEvents } from '../faults/usage/gateway-client.ts'
import { environmentOf, install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { openUsageProducer, UsageMaker, usageRecord } from '../support/records/produce.ts'
import { startService, startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { Truth } from '../support/oracles/truth.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'
import type { ServiceName } from '../../schemas/services.ts'

const SOON_MS = 40_000
const GROW_TIMEOUT_MS = 120_000
const NODES = Array.from({ length: 12 }, (_, number) => `node-${number}`)
const MIGRATE = fileURLToPath(new URL('../../services/migrate/main.ts', import.meta.url))

/** Sends to the gateway as a client does: events that were not acknowledged are sent again, and now and then others too. */
class Load {
  readonly truth = new Truth()
  readonly #url: string
  readonly #maker = new UsageMaker(29, systemRandom.bytes(8))
  readonly #stopping = new AbortController()
  readonly sent: UsageEvent[] = []
  refusals = 0
  #running: Promise<void> | undefined

  constructor(url: string) {
    this.#url = url
  }

  event(nodeId: string, fields: Partial<UsageEvent> = {}): UsageEvent {
    return this.#maker.event(nodeId, fields)
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  /** Sends until all of them are acknowledged. */
  async send(events: readonly UsageEvent[]): Promise<void> {
    for (let left = events; left.length > 0; ) {
      const outcomes = await postEvents(this.#url, left)
      for (const [at, event] of left.entries()) if (outcomes[at] === 'accepted') this.truth.add(event)
      assert.ok(!outcomes.includes('refused'), 'every event is a good one')
      left = left.filter((_, at) => outcomes[at] !== 'accepted')
      if (left.length === 0) break
      this.refusals += 1
      await systemClock.delay(100)
    }
    this.sent.push(...events)
  }

  async #run(): Promise<void> {
    for (let turn = 0; !this.#stopping.signal.aborted; turn += 1) {
      const fresh = NODES.map((node) => this.event(node))
      // Every fourth batch is sent again much later, from before the cut to after it.
      const repeated = turn % 4 === 0 ? this.sent.slice(0, 24) : []
      await this.send([...fresh, ...repeated])
      await systemClock.delay(40)
    }
  }
}

async function ask(method: string, url: string, body?: object, key?: string) {
  const answer = await fetch(url, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
}

/** The layout as `migrate` prints it. */
async function partitionsOf(installation: Installation): Promise<string | undefined> {
  const { output } = await installation.command('migrate', ['--check'])
  return /^Partitions: .*$/m.exec(output)?.[0]
}

describe('an installation that is grown from 2 to 4 partitions under load', () => {
  let installation: Installation
  let services: Record<ServiceName, ServiceProcess>
  let load: Load
  let reservation = ''
  let joined: { status: number; body: Record<string, unknown> }
  const join = { node_id: 'reserving', operator_id: 'op', allow_metered_for_hive: true }
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'growth' })
    cleanup.defer(() => installation.dispose())
    services = await startServices(installation, ...SERVICE_NAMES)
    for (const service of Object.values(services)) cleanup.defer(() => service.stop())
    load = new Load(services.gateway.url)
  })
  after(() => cleanup.disposeAsync())

  const reader = (path: string) => `${services.reader.url}${path}`

  it('loses nothing, counts nothing twice and pays nothing twice', async (t) => {
    joined = await ask('POST', reader('/api/settings/compute/provider/join'), join, 'join-1')
    assert.equal(joined.status, 200)
    const held = await ask('POST', reader('/api/exposure/reservations'), {
      node_id: 'reserving',
      usd: '0.40',
    })
    assert.equal(held.status, 201)
    reservation = String(held.body['id'])
    // A cost too small to be paid yet: it stays pending across the cut.
    await load.send([load.event('pending', { task_source: 'hive', cost_nano_usd: 20_000_000 })])
    load.start()
    await until('a few hundred events', SOON_MS, () => load.sent.length > 400)

    const startMs = systemClock.monotonicMs()
    const { exitCode, output } = await installation.command('migrate', ['--grow', '4'], GROW_TIMEOUT_MS)
    assert.equal(exitCode, EXIT.ok, output)
    for (const step of GROWTH_STEPS) assert.ok(output.includes(`Growth: ${step}.`), output)
    const before = load.sent.length
    await until('events behind the cut', SOON_MS, () => load.sent.length > before + 400)
    const stoodMs = systemClock.monotonicMs() - startMs
    await load.stop()
    assert.ok(load.refusals > 0, 'the gateway refused for a while')
    t.diagnostic(
      `grown and 400 events behind it in ${(stoodMs / 1_000).toFixed(1)} s, ${load.refusals} requests refused meanwhile`,
    )
    assert.equal(await partitionsOf(installation), 'Partitions: 4, topics of version 2.')

    await load.truth.matches(installation)
    await load.truth.isPaid(installation)
    assert.ok(load.truth.repeats > 24, `${load.truth.repeats} repeats`)
    await verified(installation)
  })

  it('runs on four partitions of the new topics', async () => {
    await Promise.all(Object.values(services).map((service) => service.ready()))
    const rows = await installation.clickhouse.rows<{ topic: string; partition: number }>(
      'SELECT DISTINCT src_topic AS topic, src_partition AS partition FROM watermarks ORDER BY topic, partition',
    )
    for (const [topic, partitions] of [
      [installation.topics.usageBlocks, 2],
      [`${installation.topics.usageBlocks}.v2`, 4],
      [installation.topics.settlementBlocks, 2],
      [`${installation.topics.settlementBlocks}.v2`, 4],
    ] as const) {
      const found = rows.filter((row) => row.topic === topic).map(({ partition }) => partition)
      assert.deepEqual(
        found,
        Array.from({ length: partitions }, (_, partition) => partition),
        topic,
      )
    }
  })

  it('knows requests of before the cut: a repeat gets the same answer, a reservation is used up', async () => {
    assert.deepEqual(await ask('POST', reader('/api/settings/compute/provider/join'), join, 'join-1'), joined)
    const cost = { task_source: 'hive', cost_nano_usd: 290_000_000, reservation_id: reservation } as const
    await load.send([load.event('reserving', cost)])
    await until('the cost to be paid', SOON_MS, async () => {
      const { body } = await ask('GET', reader('/api/wallets/op'))
      return body['balance_spark'] === 29
    })
    const gone = await ask('DELETE', reader(`/api/exposure/reservations/${reservation}?node_id=reserving`))
    assert.equal(gone.status, 404, 'it is used up')
  })

  it('answers for a node from both sides of the cut', async () => {
    const [node = ''] = NODES
    const sent = new Set(
      load.sent.filter(({ node_id }) => node_id === node).map(({ event_id }) => event_id.toString('hex')),
    )
    const counted = await installation.row<{ events: string }>(
      `SELECT sum(toInt128(events)) AS events FROM usage_1m WHERE node_id = '${node}'`,
    )
    assert.equal(Number(counted.events), sent.size)
    const view = await ask('GET', reader(`/api/settings/compute/provider?node_id=${node}`))
    assert.equal(view.status, 200)
    const from = new Date(systemClock.nowMs() - 3_600_000).toISOString()
    const to = new Date(systemClock.nowMs() + 900_000).toISOString()
    const usage = await ask('GET', reader(`/api/usage?node_id=${node}&from=${from}&to=${to}&window=total`))
    assert.equal(usage.status, 200, JSON.stringify(usage.body))
    const [total] = usage.body['items'] as { inferences: number }[]
    assert.equal(Number(total?.inferences), sent.size, 'own work counts too')
  })

  it('takes nothing more in the topics that ended, whoever writes there', async () => {
    const producer = openUsageProducer(installation)
    try {
      await assert.rejects(
        producer.append([usageRecord(0, [load.event(NODES[0] as string)])]),
        /MESSAGE_TOO_LARGE/,
      )
    } finally {
      await producer.stop()
    }
  })

  it('starts on the new topics again, whatever HIVEMETER_PARTITIONS says', async () => {
    await services.settler.stop()
    services.settler = await (await startService(installation, 'settler')).ready()
    const last = services.settler
    cleanup.defer(() => last.stop())
    await load.send(NODES.map((node) => load.event(node)))
    await load.truth.matches(installation)
    await load.truth.isPaid(installation)
    await verified(installation)
  })
})

describe('a growth from 2 to 3 partitions that is killed after every step', () => {
  let installation: Installation
  let services: Record<'gateway' | 'aggregator' | 'settler' | 'loader', ServiceProcess>
  let load: Load
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'growth_killed' })
    cleanup.defer(() => installation.dispose())
    services = await startServices(installation, 'gateway', 'aggregator', 'settler', 'loader')
    for (const service of Object.values(services)) cleanup.defer(() => service.stop())
    load = new Load(services.gateway.url)
  })
  after(() => cleanup.disposeAsync())

  it('starts with partitions that somebody added, leaves them alone and names them', async () => {
    await load.send(NODES.map((node) => load.event(node)))
    await withAdmin(installation.kafka, (admin) =>
      admin.createPartitions({ topicPartitions: [{ topic: installation.topics.usageMetered, count: 4 }] }),
    )
    const stray = load.event('stray')
    const producer = openUsageProducer(installation)
    try {
      await until('the broker to know the new partitions', SOON_MS, async () => {
        try {
          await producer.append([usageRecord(3, [stray])])
          return true
        } catch {
          return false
        }
      })
    } finally {
      await producer.stop()
    }
    await services.aggregator.stop()
    services.aggregator = await (await startService(installation, 'aggregator')).ready()
    const { aggregator } = services
    cleanup.defer(() => aggregator.stop())
    await until('the stray record to be counted', SOON_MS, async () => {
      return (await aggregator.metric('hivemeter_stray_records')) === 1
    })
    const { exitCode, output } = await installation.command('migrate', ['--check'])
    assert.equal(exitCode, EXIT.ok, output)
    assert.match(
      output,
      new RegExp(
        `^Topic ${installation.topics.usageMetered} has 4 partitions, of which 2 count: .*--grow 4 `,
        'm',
      ),
    )
    await load.send(NODES.map((node) => load.event(node)))
    await load.truth.matches(installation)
    await verified(installation)
    load.truth.add(stray)
  })

  it('goes on at each step and counts everything once', async () => {
    let killed = 0
    for (const step of GROWTH_STEPS.slice(0, -1)) {
      // The last of them may have ended before the signal came.
      if ((await killedAfter(installation, step)) === 'SIGKILL') killed += 1
    }
    assert.ok(killed >= GROWTH_STEPS.length - 2, `${killed} runs were killed`)
    const { exitCode, output } = await installation.command('migrate', ['--grow', '3'], GROW_TIMEOUT_MS)
    assert.equal(exitCode, EXIT.ok, output)
    assert.match(output, /^The installation has 3 partitions/m)
    await load.send([...NODES.map((node) => load.event(node)), ...load.sent.slice(0, NODES.length)])
    await load.truth.matches(installation)
    await load.truth.isPaid(installation)
    await verified(installation)
    const [row] = await installation.clickhouse.rows<{ partition: number }>(
      `SELECT src_partition AS partition FROM usage_events WHERE node_id = 'stray' AND src_topic LIKE '%.v2'`,
    )
    assert.equal(
      row?.partition,
      partitionOfNode('stray', 3),
      'what somebody wrote to an added partition counts',
    )
  })

  it('refuses fewer partitions, and anything that is no number', async () => {
    const fewer = await installation.command('migrate', ['--grow', '2'])
    assert.equal(fewer.exitCode, EXIT.configuration)
    assert.match(fewer.output, /has 3 partitions; --grow takes a larger number/)
    assert.equal((await installation.command('migrate', ['--grow', 'many'])).exitCode, EXIT.usage)
  })
})

/** Runs `migrate --grow 3` and kills it as soon as it has reported that the step is done. */
async function killedAfter(installation: Installation, step: string): Promise<unknown> {
  const child = spawn(process.execPath, [MIGRATE, '--grow', '3'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: environmentOf(installation.environment),
    timeout: GROW_TIMEOUT_MS,
  })
  const exited = once(child, 'exit')
  let output = ''
  for await (const data of child.stdout as AsyncIterable<Buffer>) {
    output += data.toString()
    if (!output.includes(`Growth: ${step}.`)) continue
    child.kill('SIGKILL')
    break
  }
  const [code, signal] = (await exited) as [number | null, string | null]
  return signal ?? `${code}: ${output}`
}
