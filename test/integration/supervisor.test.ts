import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, describe, it } from 'node:test'
import { PROVIDER_NODE } from '../../infra/local/local-keys.ts'
import type { RunRecord } from '../../infra/local/run-file.ts'
import { Supervised, leftAfter, processesOf, runLine } from '../support/processes/supervised.ts'
import { until } from '../support/until.ts'

const START_MS = 90_000
const STOP_MS = 10_000
/** Fifty nodes join one after the other, each when the settler has confirmed the last. */
const SAMPLE_MS = 60_000
const ORPHANS_END_MS = 10_000

describe('npm start', () => {
  const root = mkdtempSync(join(tmpdir(), 'hivemeter-supervisor-'))
  const dataDir = join(root, 'data')
  const settings = {
    HIVEMETER_DATA_DIR: dataDir,
    HIVEMETER_READER_PORT: '26951',
    HIVEMETER_GATEWAY_PORT: '26952',
    HIVEMETER_AGGREGATOR_OPS_PORT: '26953',
    HIVEMETER_SETTLER_OPS_PORT: '26954',
    HIVEMETER_FLEET_OPS_PORT: '26950',
    HIVEMETER_LOADER_OPS_PORT: '26955',
    HIVEMETER_KAFKA_PORT: '26956',
    HIVEMETER_KAFKA_CONTROLLER_PORT: '26957',
    HIVEMETER_CLICKHOUSE_PORT: '26958',
  }
  let examples: ReturnType<Supervised['examples']> = []
  const assertExamples = async () => {
    for (const { command, answer } of examples) assert.equal(await runLine(command), answer, command)
  }
  /** With the provider's key: an admin has named the operator of its node when the sample's nodes joined. */
  const readsItsWallet = async (): Promise<boolean> => {
    const { provider } = JSON.parse(readFileSync(join(dataDir, 'keys.json'), 'utf8')) as { provider: string }
    const get = async (path: string): Promise<Record<string, unknown>> => {
      const headers = { authorization: `Bearer ${provider}` }
      const answer = await fetch(`http://127.0.0.1:${settings.HIVEMETER_READER_PORT}${path}`, { headers })
      return (await answer.json()) as Record<string, unknown>
    }
    const { rewards = [] } = (await get('/api/social/hosting/rewards')) as {
      rewards?: { operator_id: string }[]
    }
    const { nodes = [] } = (await get(`/api/wallets/${rewards[0]?.operator_id}`)) as { nodes?: object[] }
    return nodes.some((node) => 'node_id' in node && node.node_id === PROVIDER_NODE)
  }
  const begun: Supervised[] = []
  const run = (program: 'start' | 'reset'): Supervised => {
    const supervised = new Supervised(program, settings)
    begun.push(supervised)
    return supervised
  }
  // Processes that a failed test has left running would make the next ones fail.
  afterEach(async () => {
    for (const { process: left } of begun.splice(0)) left.kill('SIGKILL')
    await leftAfter(dataDir, ORPHANS_END_MS)
  })
  after(() => rmSync(root, { recursive: true, force: true }))

  it('ends on a screen whose three lines answer as shown, and on Ctrl-C in order with 130', async () => {
    const start = run('start')
    await start.prints('Ctrl-C stops everything.', START_MS)
    examples = start.examples()
    assert.equal(examples.length, 3, start.output)
    // The output of a pipe may be kept: so it names the place of the keys, and the lines read them from there.
    assert.doesNotMatch(start.output, /hm_[0-9a-f]{16}_/)
    assert.match(start.output, new RegExp(`^ {2}keys +${dataDir}/keys\\.json$`, 'm'))
    assert.equal(statSync(dataDir).mode & 0o777, 0o700)
    for (const secret of ['keys.json', 'clickhouse.password'])
      assert.equal(statSync(join(dataDir, secret)).mode & 0o777, 0o600, secret)
    assert(
      examples.every(({ answer }) => answer.split('\n').length === 3),
      start.output,
    )
    const settlement = /"settlement_id":(".+?")/.exec(examples[0]?.answer ?? '')?.[1]
    assert(
      settlement !== undefined && examples[1]?.answer.includes(`"reference_id":${settlement}`),
      start.output,
    )
    await assertExamples()
    await until('the provider to read the wallet of its operator', SAMPLE_MS, readsItsWallet)

    const reset = run('reset')
    assert.equal((await reset.end(undefined, STOP_MS)).exitCode, 1)
    assert.match(reset.lastLine, new RegExp(`already runs on ${dataDir} as process ${start.process.pid}\\.`))

    const ended = await start.end('SIGINT', STOP_MS)
    assert.equal(ended.exitCode, 130, start.output)
    const stopped = [...start.output.matchAll(/✓ (\w+) stopped/g)].map(([, name]) => name)
    assert.deepEqual(stopped, [
      'gateway',
      'reader',
      'aggregator',
      'settler',
      'fleet',
      'loader',
      'ClickHouse',
      'Kafka',
    ])
    assert.deepEqual(processesOf(dataDir), [])
  })

  it('takes over its data at the second start, and leaves no process when it is killed', async () => {
    const start = run('start')
    await start.prints('Ctrl-C stops everything.', START_MS)
    await assertExamples()
    assert.equal((await start.end('SIGKILL', STOP_MS)).signal, 'SIGKILL')
    assert.deepEqual(await leftAfter(dataDir, ORPHANS_END_MS), [])
  })

  it('names a part that dies, stops everything else and ends with 1; reset then forgets the data', async () => {
    const start = run('start')
    await start.prints('Ctrl-C stops everything.', START_MS)
    await assertExamples()
    const { parts } = JSON.parse(readFileSync(join(dataDir, 'run.json'), 'utf8')) as RunRecord
    const settler = parts.find(({ name }) => name === 'settler')
    assert(settler !== undefined)
    process.kill(settler.pid, 'SIGKILL')
    assert.equal((await start.end(undefined, STOP_MS)).exitCode, 1)
    const log = join(dataDir, 'logs', 'settler.log')
    assert.equal(
      start.lastLine,
      `hivemeter: settler ended by itself. Its last words stand above, all of them in ${log}. Everything else was stopped.`,
    )
    assert.deepEqual(processesOf(dataDir), [])

    const reset = run('reset')
    assert.equal((await reset.end(undefined, STOP_MS)).exitCode, 0, reset.output)
    assert(!existsSync(join(dataDir, 'kafka')) && !existsSync(join(dataDir, 'hivemeter.json')))
  })

  it('can be stopped in the middle of a start, with 0 after SIGTERM', async () => {
    const start = run('start')
    await start.prints('✓ Kafka', START_MS)
    const ended = await start.end('SIGTERM', STOP_MS)
    assert.equal(ended.exitCode, 0, start.output)
    assert.deepEqual(processesOf(dataDir), [])
  })
})
