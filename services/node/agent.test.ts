import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { serveMachine, SAMPLE_LOGIN } from '../../infra/local/fleet-sample/machines/serve-machine.ts'
import type { ServedMachine } from '../../infra/local/fleet-sample/machines/serve-machine.ts'
import { MACHINE_KINDS, SimulatedMachine } from '../../infra/local/fleet-sample/machines/simulated-machine.ts'
import type { Clock } from '../../pipelines/clock.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { QuickClock } from '../../test/support/fleet/node/quick-clock.ts'
import { KEY, startTestGateway } from '../../test/support/fleet/node/test-gateway.ts'
import type { GatewayMood, TestGateway } from '../../test/support/fleet/node/test-gateway.ts'
import { Agent } from './agent.ts'
import { machineOf } from './config/agent-config.ts'
import { normaliseFile } from './normalise-file.ts'
import { nodeDisk } from './spool/node-disk.ts'

/** By the clock of the test, which stands still where the process does. */
const ARRIVES_MS_MAX = 400_000
const LOOK_MS = 200
const INTERVAL_S = 10
const ENROLLED = { provider_id: 'krill', location_id: 'barn', node_id: 'agent-1', key: KEY }

const folder = mkdtempSync(join(tmpdir(), 'hivemeter-agent-'))
const ends: (() => Promise<void>)[] = []
after(async () => {
  await Promise.all(ends.map((end) => end()))
  rmSync(folder, { recursive: true })
})

interface World {
  readonly gateway: TestGateway
  readonly machines: readonly ServedMachine[]
  readonly clock: Clock
  readonly root: string
  readonly start: () => Promise<Agent>
  /** Waits until something is true, within a bound. */
  readonly until: (what: string, ask: () => boolean) => Promise<void>
  readonly end: () => Promise<void>
}

async function world(name: string, wallSkewMs = 0): Promise<World> {
  const clock = new QuickClock()
  const gateway = await startTestGateway(clock)
  const machines = await Promise.all(
    MACHINE_KINDS.map(async (kind, seed) => {
      const machine = new SimulatedMachine({ kind, seed, startedMs: clock.nowMs() - 9_000_000 })
      return await serveMachine({ machine, clock })
    }),
  )
  const root = join(folder, name)
  const agents: Agent[] = []
  const { monotonicMs, delay } = clock
  const own: Clock = { monotonicMs, delay, nowMs: () => clock.nowMs() + wallSkewMs }
  const until = async (what: string, ask: () => boolean): Promise<void> => {
    const endMs = clock.monotonicMs() + ARRIVES_MS_MAX
    while (!ask()) {
      assert.ok(clock.monotonicMs() < endMs, `waited ${ARRIVES_MS_MAX} ms for ${what}`)
      await clock.delay(LOOK_MS)
    }
  }
  const start = async (): Promise<Agent> => {
    const agent = await Agent.start({
      config: {
        gatewayUrl: gateway.url,
        stateFolder: root,
        token: null,
        keyFile: null,
        node: null,
        nodeName: null,
        intervalS: INTERVAL_S,
        keepRaw: null,
        machines: machines.map(({ entry }) => machineOf(entry as Parameters<typeof machineOf>[0], undefined)),
        warnings: [],
      },
      enrolled: ENROLLED,
      disks: {
        state: await nodeDisk(root),
        spool: await nodeDisk(join(root, 'spool')),
        refused: await nodeDisk(join(root, 'refused')),
        raw: await nodeDisk(join(root, 'raw')),
      },
      boot: { id: 'boot', uptimeMs: own.monotonicMs() },
      readArp: () => '',
      clock: own,
      random: systemRandom,
      logger: silentLogger,
    })
    agents.push(agent)
    return agent
  }
  let hasEnded = false
  const end = async (): Promise<void> => {
    if (hasEnded) return
    hasEnded = true
    // What is open would keep the process of the tests alive: one that fails to end does not keep the others from it.
    const agentEnds = await Promise.allSettled(agents.map((agent) => agent.stop()))
    await Promise.all([...machines.map((one) => one.stop()), gateway.close()])
    const failed = agentEnds.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
  ends.push(end)
  return { gateway, machines, clock, root, start, until, end }
}

/** The addresses of the machines of which everything was read. */
function readIn({ batches }: TestGateway): Set<string | null> {
  const polls = batches.flatMap(({ items }) => items.flatMap(({ poll }) => (poll === null ? [] : [poll])))
  return new Set(polls.filter(({ result }) => result === 'ok').map(({ address }) => address))
}

/** Every number that arrived, by epoch; a number that arrived twice stands once. */
function numbersIn({ batches }: TestGateway): Set<string> {
  return new Set(
    batches.flatMap(({ epoch, first_seq, items }) =>
      items.map((_, index) => `${epoch}/${first_seq + index}`),
    ),
  )
}

test('what machines say arrives, live, by the log’s clock, with spans that are complete', async () => {
  const { gateway, machines, clock, root, start, until, end } = await world('well', 40 * 86_400_000)
  gateway.aheadMs = 3_600_000
  const agent = await start()
  await until('spans that are complete', () => gateway.batches.some(({ complete }) => complete.length > 0))
  await until('an answer of each machine', () => readIn(gateway).size === machines.length)
  await until('three rounds', () => agent.counts.sent >= 3 * machines.length)
  await agent.stop()
  const items = gateway.batches.flatMap((batch) => batch.items)
  const polls = items.flatMap(({ poll }) => (poll === null ? [] : [poll]))
  const all = new Set(machines.map(({ address }) => address))
  assert.deepEqual(new Set(polls.map(({ address }) => address)), all)
  assert.deepEqual(new Set(items.flatMap(({ report }) => report?.address ?? [])), all)
  const now = clock.nowMs() + gateway.aheadMs
  for (const { observed_at } of polls) assert.ok(Math.abs(now - observed_at) < ARRIVES_MS_MAX)
  const { made, sent, held, refused, lost } = agent.counts
  assert.deepEqual([sent, held, refused, lost], [made, 0, 0, {}])
  assert.equal(numbersIn(gateway).size, made)
  assert.ok(gateway.heartbeats > 0)
  // The spool is empty, and what is left is for the owner alone and holds no login but in the raw answers.
  assert.deepEqual(readdirSync(join(root, 'spool')), [])
  const raw = readdirSync(join(root, 'raw'))
  assert.equal(raw.length, machines.length)
  for (const name of raw) {
    assert.equal(statSync(join(root, 'raw', name)).mode & 0o077, 0)
    const { telemetry } = JSON.parse(normaliseFile(join(root, 'raw', name))) as {
      telemetry: { make: string }
    }
    assert.equal(telemetry.make, 'Sample')
  }
  for (const name of ['roster.json', 'progress.json', 'epoch']) {
    const text = readFileSync(join(root, name), 'utf8')
    assert.ok(!text.includes(SAMPLE_LOGIN.password) && !text.includes('kept'), name)
  }
  assert.ok(!JSON.stringify(gateway.batches).includes('kept'))
  await end()
})

const MOODS: readonly GatewayMood[] = ['away', 'busy', 'cuts', 'silent']
// Most of the time they wait: together they take as long as the slowest.
describe('a gateway that fails', { concurrency: true }, () => {
  for (const mood of MOODS) {
    test(`${mood}: it gets the same again later, and every number arrives`, async () => {
      const { gateway, machines, start, until, end } = await world(mood)
      // A gateway from before the packed form: the node falls back to JSON.
      gateway.takesPacked = mood !== 'busy' && mood !== 'cuts'
      const agent = await start()
      await until('the first batch', () => gateway.batches.length > 0)
      gateway.mood = mood
      const { requests } = gateway
      const { made } = agent.counts
      await until('further tries', () => gateway.requests > requests + 2)
      await until('a minute and more of polls', () => agent.counts.made > made + 10 * 2 * machines.length)
      gateway.mood = 'well'
      await until('all of it', () => agent.counts.held === 0 && agent.counts.sent > made)
      await agent.stop()
      assert.equal(numbersIn(gateway).size, agent.counts.made)
      assert.deepEqual(agent.counts.lost, {})
      assert.ok(gateway.batches.some(({ lane }) => lane === 'replay'))
      for (const { epoch, first_seq, low } of gateway.batches) {
        assert.ok(low.epoch < epoch || low.seq <= first_seq)
      }
      await end()
    })
  }
})

test('a machine that answers no more has a result in each round, under its name, also after a restart', async () => {
  const { gateway, machines, root, start, until, end } = await world('gone')
  const [gone] = machines
  assert.ok(gone !== undefined)
  const pollsOfGone = () =>
    gateway.batches.flatMap(({ items }) =>
      items.flatMap(({ poll }) => (poll?.address === gone.address ? [poll] : [])),
    )
  const first = await start()
  await until('a poll that reads it', () => pollsOfGone().some(({ result }) => result === 'ok'))
  const serial = pollsOfGone().at(-1)?.serial
  assert.ok(serial?.startsWith('SIM'))
  await first.stop()
  await gone.setFault('refused')
  const second = await start()
  await until('two refusals', () => pollsOfGone().filter(({ result }) => result === 'refused').length >= 2)
  await second.stop()
  assert.equal(pollsOfGone().at(-1)?.serial, serial)
  assert.ok(second.counts.epoch > first.counts.epoch)
  const kept = readFileSync(join(root, 'progress.json'), 'utf8')
  await first.stop()
  assert.equal(
    readFileSync(join(root, 'progress.json'), 'utf8'),
    kept,
    'an end that was one is no second one',
  )
  await end()
})
