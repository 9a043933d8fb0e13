import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { FAULTS } from './faults/all.ts'
import { outageTable } from './harness/outage.ts'
import { lastLine } from './harness/report.ts'
import { runFaults } from './harness/run.ts'
import type { Planned, Round } from './harness/schedule.ts'

const SEED = 11
const EVENTS = 6_000
const ROUNDS_MS_MAX = 600_000

const strike = (fault: string, lane: Planned['lane'], target: Planned['target']): Planned => ({
  fault,
  lane,
  target,
  seed: SEED,
})

/** The shortest run in which leaders move in order and out of order, and answers of several brokers are lost. */
const ROUNDS: readonly Round[] = [
  [strike('broker-killed-that-coordinates-an-open-transaction', 'world', 1)],
  [
    strike('kill-after-send', 'aggregator', 1),
    strike('commit-answer-lost', 'settler', 1),
    strike('produce-answer-lost', 'gateway', 1),
  ],
  [strike('brokers-restarted-in-turn', 'world', 1)],
]

describe('a short fault run on three brokers', () => {
  it('loses nothing, counts nothing twice, pays nothing twice, and every replica has all of it', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'hivemeter-faults-'))
    const { verdict, failures, injected, outages, exceeded } = await runFaults({
      faults: FAULTS,
      rounds: ROUNDS,
      brokers: 3,
      roundsMsMax: ROUNDS_MS_MAX,
      seed: SEED,
      events: EVENTS,
      dir,
      say: (line) => t.diagnostic(line),
      onInterrupt: () => {},
      finals: [],
    })
    // How long an outage lasts depends on the other load of this machine: it is printed here, and checked in the full
    // run.
    for (const line of [...outageTable(outages).split('\n'), ...exceeded]) t.diagnostic(line)
    assert.deepEqual(failures, [], `history, schedule and logs are in ${dir}`)
    assert.match(lastLine(verdict, injected), / 5 faults: 0 lost, 0 counted twice, 0 paid twice$/)
    assert.ok(verdict.events >= EVENTS)
    await rm(dir, { recursive: true })
  })
})
