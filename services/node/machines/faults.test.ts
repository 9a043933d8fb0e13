import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { FAULTS } from '../../../infra/local/fleet-sample/machines/faults.ts'
import { serveCgminer } from '../../../infra/local/fleet-sample/machines/command-server.ts'
import type { Fault } from '../../../infra/local/fleet-sample/machines/faults.ts'
import { serveMachine } from '../../../infra/local/fleet-sample/machines/serve-machine.ts'
import type { ServedMachine } from '../../../infra/local/fleet-sample/machines/serve-machine.ts'
import {
  MACHINE_KINDS,
  SimulatedMachine,
} from '../../../infra/local/fleet-sample/machines/simulated-machine.ts'
import type { MachineKind } from '../../../infra/local/fleet-sample/machines/simulated-machine.ts'
import type { Clock } from '../../../pipelines/clock.ts'
import { systemRandom } from '../../../pipelines/random.ts'
import { QuickClock } from '../../../test/support/fleet/node/quick-clock.ts'
import { machineOf } from '../config/agent-config.ts'
import { REQUEST_TIMEOUT_MS } from '../transports/read-outcome.ts'
import { MachinePoller } from './machine-poller.ts'
import { MachinePolls } from './machine-polls.ts'
import type { Polled } from './machine-polls.ts'
import type { PollWord } from './poll-result.ts'
import { Roster } from './roster.ts'

const NOW_MS = Date.UTC(2026, 10, 30)
const DAY_AGO_MS = NOW_MS - 86_400_000
const SIGNAL = new AbortController().signal

/** What a poll comes to, by what is wrong with the machine; a login is asked for by Bitmain's web server alone. */
const RESULTS: Readonly<Record<Fault, PollWord>> = {
  none: 'ok',
  silent: 'timeout',
  refused: 'refused',
  cut: 'unreadable',
  slow: 'timeout',
  wrong_login: 'ok',
}

const served: ServedMachine[] = []
after(async () => void (await Promise.all(served.map((one) => one.stop()))))

async function serve(kind: MachineKind, seed: number, macOf: () => string | null = () => null) {
  const machine = new SimulatedMachine({ kind, seed, startedMs: DAY_AGO_MS })
  const clock = new QuickClock()
  const { monotonicMs, delay } = clock
  // What is true of a machine goes with its clock, which stands still, so that answers can be compared with it.
  const still: Clock = { monotonicMs, delay, nowMs: () => NOW_MS }
  const one = await serveMachine({ machine, clock: still })
  served.push(one)
  const roster = new Roster([one.address], null)
  const polls = new MachinePolls({
    machine: machineOf(one.entry as Parameters<typeof machineOf>[0], undefined),
    intervalS: 60,
    roster,
    macOf,
    presentMs: () => NOW_MS,
    clock,
    random: systemRandom,
  })
  return { machine, served: one, polls, roster, clock }
}

function itemsOf({ made }: Polled) {
  const items = made.map((one) => ('code' in one ? assert.fail(`${one.code} ${one.path}`) : one))
  return {
    sample: items.find(({ sample }) => sample !== null)?.sample ?? null,
    poll: items.find(({ poll }) => poll !== null)?.poll ?? null,
    report: items.find(({ report }) => report !== null)?.report ?? null,
  }
}

describe('a simulated machine over its own protocol', () => {
  for (const [seed, kind] of MACHINE_KINDS.entries()) {
    test(`${kind}: what is true of it comes out of a poll`, async () => {
      const { machine, polls } = await serve(kind, 1_000 + seed)
      const polled = await polls.poll(5, SIGNAL)
      assert.equal(polled.result, 'ok')
      const { sample, poll, report } = itemsOf(polled)
      assert.equal(sample?.hashrate_hs.now, machine.rateHsAt(NOW_MS))
      assert.equal(sample?.observed_at, 5)
      assert.equal(poll?.mac, machine.mac)
      assert.equal(poll?.serial, kind === 'espminer' ? null : machine.serial)
      assert.ok(sample?.boards?.every(({ present }) => present === true))
      assert.equal(report?.make, 'Sample')
      assert.ok((report?.pools?.length ?? 0) > 0)
      assert.ok(!JSON.stringify(polled.made).includes('kept'), 'logins of pools are cut out')
      // The texts have not changed, so they are not sent again.
      assert.equal(itemsOf(await polls.poll(6, SIGNAL)).report, null)
    })

    for (const fault of FAULTS) {
      const expected = kind.startsWith('bitmain') && fault === 'wrong_login' ? 'partial' : RESULTS[fault]
      test(`${kind}, ${fault}: the poll is ${expected} within its bound, and is about that machine`, async () => {
        const { machine, served: one, polls, clock } = await serve(kind, 2_000 + seed)
        await polls.poll(1, SIGNAL)
        await one.setFault(fault)
        const beganMs = clock.monotonicMs()
        const polled = await polls.poll(2, SIGNAL)
        assert.ok(clock.monotonicMs() - beganMs < 2 * REQUEST_TIMEOUT_MS + 1_000)
        assert.equal(polled.result, expected)
        const { poll, sample } = itemsOf(polled)
        assert.deepEqual([poll?.result, poll?.address], [expected, one.address])
        if (expected !== 'partial') assert.equal(poll?.mac, machine.mac, 'the roster knows who stands there')
        assert.equal(sample === null, expected !== 'ok' && expected !== 'partial')
        await one.setFault('none')
        assert.equal((await polls.poll(3, SIGNAL)).result, 'ok')
      })
    }

    test(`${kind}: another machine at its address is another machine at once`, async () => {
      const { served: one, polls, roster } = await serve(kind, 3_000 + seed)
      await polls.poll(1, SIGNAL)
      const other = new SimulatedMachine({ kind, seed: 4_000 + seed, startedMs: DAY_AGO_MS })
      one.replace(other)
      const { poll, report } = itemsOf(await polls.poll(2, SIGNAL))
      assert.equal(poll?.mac, other.mac)
      assert.notEqual(report, null, 'its texts are sent')
      assert.equal(roster.of(one.address).mac, other.mac)
    })
  }

  test('a machine that is silent is waited for in the form in which it last spoke, and in no other', async () => {
    const { machine, served: one, clock } = await serve('whatsminer', 7_000)
    const older = await serveCgminer(
      { host: '127.0.0.1', port: 0, clock, answerTo: () => null },
      { hasNuls: false },
    )
    served.push({ ...one, stop: older.stop })
    const entry = one.entry as Parameters<typeof machineOf>[0]
    const both = machineOf({ ...entry, ports: { ...entry.ports, cgminer: older.port } }, undefined)
    const poller = new MachinePoller({ machine: both, clock, random: systemRandom })
    assert.ok(
      (await poller.poll(SIGNAL)).every(({ outcome }) => outcome.kind === 'answer'),
      machine.serial,
    )
    await Promise.all([one.setFault('silent'), older.setFault('silent')])
    const beganMs = clock.monotonicMs()
    const asked = await poller.poll(SIGNAL)
    assert.ok(asked.every(({ outcome }) => outcome.kind === 'timeout'))
    assert.ok(clock.monotonicMs() - beganMs < 2 * REQUEST_TIMEOUT_MS)
  })

  test('a machine whose answer names none is the one of the roster, where the network says so', async () => {
    let macArp = '02:00:00:00:0B:01'
    const { machine, served: one, polls } = await serve('bitmain-old', 6_000, () => macArp)
    assert.equal(itemsOf(await polls.poll(1, SIGNAL)).sample?.mac_arp, macArp)
    await one.setFault('wrong_login')
    assert.equal(itemsOf(await polls.poll(2, SIGNAL)).sample?.serial, machine.serial)
    macArp = '02:00:00:00:0B:02'
    const other = itemsOf(await polls.poll(3, SIGNAL)).sample
    assert.deepEqual([other?.serial, other?.mac, other?.mac_arp], [null, null, macArp])
  })

  test('a machine that sleeps, and one that has lost a board, say so', async () => {
    const { machine, polls } = await serve('bitmain-new', 5_000)
    machine.become({ boardsLost: 1 })
    const lost = itemsOf(await polls.poll(1, SIGNAL)).sample
    assert.deepEqual([lost?.boards_online, lost?.boards_expected], [2, 3])
    machine.become({ boardsLost: 0, isAsleep: true })
    const asleep = itemsOf(await polls.poll(2, SIGNAL)).sample
    assert.deepEqual([asleep?.is_mining, asleep?.hashrate_hs.now], [false, 0])
  })
})
