import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { FAULTS } from './faults/all.ts'
import { lastLine } from './harness/report.ts'
import { runFaults } from './harness/run.ts'
import type { Planned, Round } from './harness/schedule.ts'

const SEED = 7
const EVENTS = 15_000
const ROUNDS_MS_MAX = 600_000

const strike = (fault: string, lane: Planned['lane'], target: Planned['target']): Planned => ({
  fault,
  lane,
  target,
  seed: SEED,
})

/** The shortest run that strikes every service, at the points where a guard must hold. */
const ROUNDS: readonly Round[] = [
  [
    strike('kill-after-send', 'aggregator', 1),
    strike('commit-answer-lost', 'settler', 1),
    strike('kill-after-send', 'fleet', 1),
    strike('kill-during-insert', 'loader', 1),
    strike('produce-answer-lost', 'gateway', 1),
    strike('terminate', 'reader', 1),
  ],
  [
    strike('commit-held-past-the-next-begin', 'aggregator', 2),
    strike('kill-after-commit', 'settler', 2),
    strike('same-transactional-id-twice', 'fleet', 2),
    strike('insert-answer-lost', 'loader', 2),
    strike('kill-at-random', 'gateway', 2),
  ],
]

describe('a short fault run', () => {
  it('loses nothing, counts nothing twice, pays nothing twice', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'hivemeter-faults-'))
    const { verdict, failures, injected } = await runFaults({
      faults: FAULTS,
      rounds: ROUNDS,
      brokers: 1,
      roundsMsMax: ROUNDS_MS_MAX,
      seed: SEED,
      events: EVENTS,
      dir,
      say: (line) => t.diagnostic(line),
      onInterrupt: () => {},
      finals: [],
    })
    assert.deepEqual(failures, [], `history, schedule and logs are in ${dir}`)
    assert.match(lastLine(verdict, injected), / 11 faults: 0 lost, 0 counted twice, 0 paid twice$/)
    assert.ok(verdict.events >= EVENTS)
    await rm(dir, { recursive: true })
  })
})
