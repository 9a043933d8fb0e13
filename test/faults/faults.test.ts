import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { FAULTS } from './faults/all.ts'
import { outageTable } from './outage.ts'
import { lastLine } from './report.ts'
import { runFaults } from './run.ts'
import type { Planned, Round } from './schedule.ts'

const ROUNDS_MS_MAX = 600_000

interface ShortRun {
  readonly brokers: number
  readonly seed: number
  readonly events: number
  readonly rounds: readonly Round[]
}

const strike = (seed: number, fault: string, lane: Planned['lane'], target: Planned['target']): Planned => ({
  fault,
  lane,
  target,
  seed,
})

/** The shortest run that strikes every service, at the points where a guard has to hold. */
const ONE_BROKER: ShortRun = {
  brokers: 1,
  seed: 7,
  events: 15_000,
  rounds: [
    [
      strike(7, 'kill-after-send', 'aggregator', 1),
      strike(7, 'commit-answer-lost', 'settler', 1),
      strike(7, 'kill-during-insert', 'loader', 1),
      strike(7, 'produce-answer-lost', 'gateway', 1),
      strike(7, 'terminate', 'reader', 1),
    ],
    [
      strike(7, 'commit-held-past-the-next-begin', 'aggregator', 2),
      strike(7, 'kill-after-commit', 'settler', 2),
      strike(7, 'insert-answer-lost', 'loader', 2),
      strike(7, 'kill-at-random', 'gateway', 2),
    ],
  ],
}

/** The shortest run in which leaders move in order and out of order, and answers of several brokers are lost. */
const THREE_BROKERS: ShortRun = {
  brokers: 3,
  seed: 11,
  events: 6_000,
  rounds: [
    [strike(11, 'broker-killed-that-coordinates-an-open-transaction', 'world', 1)],
    [
      strike(11, 'kill-after-send', 'aggregator', 1),
      strike(11, 'commit-answer-lost', 'settler', 1),
      strike(11, 'produce-answer-lost', 'gateway', 1),
    ],
    [strike(11, 'brokers-restarted-in-turn', 'world', 1)],
  ],
}

async function survives(t: TestContext, run: ShortRun): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'hivemeter-faults-'))
  const { verdict, failures, injected, outages, exceeded } = await runFaults({
    ...run,
    faults: FAULTS,
    roundsMsMax: ROUNDS_MS_MAX,
    dir,
    say: (line) => t.diagnostic(line),
    onInterrupt: () => {},
    finals: [],
  })
  // How long an outage lasts depends on what else this machine does: told here, held in the full run.
  for (const line of [...outageTable(outages).split('\n'), ...exceeded]) t.diagnostic(line)
  assert.deepEqual(failures, [], `history, schedule and logs are in ${dir}`)
  const faults = run.rounds.flat().length
  const clean = new RegExp(` ${faults} faults: 0 lost, 0 counted twice, 0 paid twice$`)
  assert.match(lastLine(verdict, injected), clean)
  assert.ok(verdict.events >= run.events)
  await rm(dir, { recursive: true })
}

// In one file, so that one ends before the other begins: two fleets at once would share the machine's cores.
describe('a short fault run loses nothing, counts nothing twice, pays nothing twice', () => {
  it('on one broker', (t) => survives(t, ONE_BROKER))
  it('on three brokers, and every replica has all of it', (t) => survives(t, THREE_BROKERS))
})
