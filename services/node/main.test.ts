import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { serveMachine, SAMPLE_LOGIN } from '../../infra/local/fleet-sample/machines/serve-machine.ts'
import { SimulatedMachine } from '../../infra/local/fleet-sample/machines/simulated-machine.ts'
import { systemClock } from '../../pipelines/clock.ts'
import { KEY, startTestGateway, TOKEN } from '../../test/support/fleet/node/test-gateway.ts'
import { until } from '../../test/support/until.ts'
import { EXIT } from '../runtime/exit.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const ARRIVES_MS_MAX = 30_000

const folder = mkdtempSync(join(tmpdir(), 'hivemeter-node-main-'))
const running = new Set<ChildProcess>()
after(() => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

interface Run {
  readonly child: ChildProcess
  readonly output: () => string
  readonly ended: Promise<number | null>
}

function run(file: string): Run {
  const child = spawn(process.execPath, [MAIN, '--config', file], {
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece: Buffer) => (output += piece.toString()))
  const ended = new Promise<number | null>((done) => child.on('close', (code) => done(code)))
  return { child, output: () => output, ended }
}

function configFile(name: string, content: object | string): string {
  const file = join(folder, name)
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 })
  return file
}

test('a node enrols once, outlives kill -9, and ends in order at either signal', async () => {
  const gateway = await startTestGateway(systemClock)
  const machine = new SimulatedMachine({ kind: 'bitmain-old', seed: 7, startedMs: Date.now() - 4_000_000 })
  const served = await serveMachine({ machine, clock: systemClock })
  const file = configFile('node.json', {
    gatewayUrl: gateway.url,
    stateFolder: 'state',
    token: TOKEN,
    nodeName: 'barn one',
    interval_s: 10,
    machines: [served.entry],
  })
  const epochs = (): number[] => [...new Set(gateway.batches.map(({ epoch }) => epoch))]
  const first = run(file)
  await until('the first batch', ARRIVES_MS_MAX, () => epochs().length === 1)
  first.child.kill('SIGKILL')
  assert.equal(await first.ended, null)
  const second = run(file)
  await until('a batch of the next epoch', ARRIVES_MS_MAX, () => epochs().length === 2)
  second.child.kill('SIGINT')
  assert.equal(await second.ended, EXIT.interrupted)
  const third = run(file)
  await until('its first heartbeat', ARRIVES_MS_MAX, () => third.output().includes('has started'))
  third.child.kill('SIGTERM')
  assert.equal(await third.ended, EXIT.ok)
  assert.deepEqual(gateway.tokens, [TOKEN], 'a token is spent once')
  assert.deepEqual(
    epochs(),
    epochs().toSorted((left, right) => left - right),
  )
  const key = join(folder, 'state', 'node.json')
  assert.equal(statSync(key).mode & 0o777, 0o600)
  assert.ok(readFileSync(key, 'utf8').includes(KEY))
  const said = [first, second, third].map(({ output }) => output()).join('')
  for (const secret of [KEY, TOKEN, SAMPLE_LOGIN.password]) assert.ok(!said.includes(secret))
  await served.stop()
  await gateway.close()
})

test('a token that the gateway does not take, and a node without any, say what to do', async () => {
  const gateway = await startTestGateway(systemClock)
  const rest = {
    gatewayUrl: gateway.url,
    stateFolder: 'other',
    machines: [{ address: '10.20.0.1', adapter: 'bitmain' }],
  }
  for (const [config, message] of [
    [{ ...rest, token: 'spent' }, /did not take the token: status 403 .* ask for a new one/],
    [rest, /This node has no key\. Give it a one-time "token", or a "keyFile"/],
    [
      { ...rest, keyFile: 'none.key', node: { provider_id: 'p', location_id: 'l', node_id: 'n' } },
      /none\.key cannot be read/,
    ],
  ] as const) {
    const { ended, output } = run(configFile('other.json', config))
    assert.equal(await ended, EXIT.configuration)
    assert.match(output(), message)
    assert.ok(!output().includes('spent'))
  }
  await gateway.close()
})
