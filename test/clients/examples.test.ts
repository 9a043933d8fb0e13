import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { nodesOf } from '../support/records/produce.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'
import { toolMissing } from './tools.ts'

const run = promisify(execFile)
const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url))

const PARTITIONS = 4
const NODES_PER_PARTITION = 3
/** The commands that fetch and build a program. */
const INSTALL_MS = 420_000
const SEND_MS = 60_000
const COUNTED_MS = 60_000

type Command = readonly [file: string, ...args: string[]]

interface Program {
  readonly name: string
  /** The folder below examples. */
  readonly folder: string
  /** The commands, each with the option that prints its version. */
  readonly tools: readonly Command[]
  readonly install: readonly Command[]
  readonly send: Command
}

const PYTHON: Pick<Program, 'folder' | 'tools' | 'install'> = {
  folder: 'python',
  tools: [['python3', '-c', 'import venv, ensurepip']],
  install: [
    ['python3', '-m', 'venv', 'venv'],
    ['venv/bin/pip', 'install', '--quiet', '--requirement', 'requirements.txt'],
  ],
}

const PROGRAMS: readonly Program[] = [
  {
    name: 'java',
    folder: 'java',
    tools: [
      ['java', '--version'],
      ['mvn', '--version'],
    ],
    install: [['mvn', '-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=target/lib']],
    send: ['java', '-cp', 'target/lib/*', 'src/main/java/SendUsage.java'],
  },
  { name: 'python-confluent', ...PYTHON, send: ['venv/bin/python', 'send_confluent.py'] },
  { name: 'python-aiokafka', ...PYTHON, send: ['venv/bin/python', 'send_aiokafka.py'] },
  {
    name: 'go',
    folder: 'go',
    tools: [['go', 'version']],
    install: [['go', 'build', '-o', 'send', '.']],
    send: ['./send'],
  },
  {
    name: 'node',
    folder: 'node',
    tools: [['npm', '--version']],
    install: [['npm', 'install', '--no-audit', '--no-fund', '--silent']],
    send: [process.execPath, 'send.mjs'],
  },
]

describe('the programs of docs/producing.md', () => {
  let installation: Installation
  let gateway: ServiceProcess
  let aggregator: ServiceProcess
  const nodes = Array.from({ length: PARTITIONS }, (_, partition) =>
    nodesOf(partition, PARTITIONS, NODES_PER_PARTITION),
  ).flat()
  const dir = mkdtempSync(join(tmpdir(), 'hivemeter-clients-'))
  const installed = new Map<string, Promise<void>>()
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    cleanup.defer(() => rmSync(dir, { recursive: true, force: true }))
    installation = await install({ name: 'clients', partitions: PARTITIONS })
    cleanup.defer(() => installation.dispose())
    const started = await startServices(installation, 'gateway', 'aggregator', 'settler', 'loader')
    for (const service of Object.values(started)) cleanup.defer(() => service.stop())
    ;({ gateway, aggregator } = started)
  })
  after(() => cleanup.disposeAsync())

  const at = (folder: string): string => join(dir, folder)

  async function prepare({ folder, install: commands }: Program): Promise<void> {
    cpSync(join(EXAMPLES, folder), at(folder), { recursive: true })
    for (const [file, ...args] of commands) await run(file, args, { cwd: at(folder), timeout: INSTALL_MS })
  }

  async function send({ folder, send: [file, ...args] }: Program, model: string): Promise<void> {
    const settings = {
      BROKERS: installation.kafka.brokers.join(','),
      TOPIC: installation.topics.usageMetered,
      REGISTRY: `${gateway.url}/schema-registry`,
      NODES: nodes.join(','),
      MODEL: model,
    }
    await run(file, args, { cwd: at(folder), timeout: SEND_MS, env: { ...process.env, ...settings } })
  }

  async function counted(model: string): Promise<void> {
    const sql = `SELECT count() AS events, uniqExact(node_id) AS nodes, sum(tokens_in) AS tokens, sum(cost_nano_usd) AS cost
                 FROM usage_events WHERE model_id = '${model}'`
    interface Sums {
      readonly events: string
      readonly nodes: string
      readonly tokens: string
      readonly cost: string
    }
    const sums = (): Promise<Sums> => installation.row<Sums>(sql)
    await until(
      `the events of ${model}`,
      COUNTED_MS,
      async () => Number((await sums()).events) >= nodes.length,
    )
    const all = nodes.length
    assert.deepEqual(Object.values(await sums()).map(Number), [all, all, all * 1_200, all * 290_000_000])
    const letters = await installation.row<{ count: string }>('SELECT count() AS count FROM dead_letters')
    assert.equal(Number(letters.count), 0)
  }

  const forwarded = (): Promise<number> => aggregator.metric('hivemeter_events_forwarded_total')

  for (const program of PROGRAMS) {
    const missing = toolMissing(program.tools)
    it(`${program.name}: every event counts, on the partition of its node`, {
      skip: missing ?? false,
    }, async () => {
      const known = installed.get(program.folder) ?? prepare(program)
      installed.set(program.folder, known)
      await known
      const before = await forwarded()
      await send(program, `example-${program.name}`)
      await counted(`example-${program.name}`)
      assert.equal(await forwarded(), before)
    })
  }

  const missing = toolMissing(PYTHON.tools)
  it('librdkafka’s own partitioner: every event counts, and is sent on', {
    skip: missing ?? false,
  }, async (t) => {
    const file = join(at('python'), 'send_confluent.py')
    const source = readFileSync(file, 'utf8')
    const careless = source.replace('"partitioner": "murmur2_random",', '')
    assert.notEqual(careless, source)
    writeFileSync(file, careless)
    const confluent = PROGRAMS.find(({ name }) => name === 'python-confluent') as Program
    await send(confluent, 'example-careless')
    await counted('example-careless')
    assert.ok((await forwarded()) > 0)
    const { notes = [] } = (await aggregator.readiness()) ?? {}
    assert.match(notes.join(' '), /with another partitioner/)
    t.diagnostic(await verified(installation))
  })
})
