import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  atPct,
  healthy,
  LiveWorker,
  ORDINARY,
  POWER_W,
  RATE_HS,
  T0_MS,
  TRUSTED,
} from '../../../test/support/fleet/live/worker.ts'
import { applyCurrent, applyFailedPoll, fireTimers, retire } from './apply.ts'
import { addToCounts, classOf, noCounts } from './counts.ts'
import { newPage } from './memory.ts'
import { SECOND_MS } from '../../../schemas/units.ts'

const ms = (atS: number): number => T0_MS + atS * SECOND_MS

test('a change names its sample, place, numbers, rule, engine and versions', () => {
  const worker = new LiveWorker({ ...TRUSTED, versions: { thresholds: 4, model: 2 } }).warm()
  worker.sample(30, { ...atPct(50), isMining: false }, 41)
  const [change] = worker.changes
  assert.ok(change !== undefined)
  const { cause, ...evidence } = change.evidence
  assert.equal(cause.by, 'sample')
  assert.deepEqual(cause.by === 'sample' ? [cause.origin.nodeId, cause.tMs, cause.place.nowMs] : [], [
    'n1',
    ms(30),
    ms(41),
  ])
  assert.deepEqual(evidence, {
    rule: 'paused',
    engine: 1,
    versions: { thresholds: 4, model: 2 },
    values: {
      r5Hs: RATE_HS / 2,
      r10Hs: null,
      intendedHs: RATE_HS,
      deliveredPct: null,
      shares: 0,
      powerW: POWER_W,
      powerSource: 'miner',
      intendedW: POWER_W,
      targetPct: 100,
      windowFromMs: null,
      sampleMs: ms(30),
    },
  })
  assert.deepEqual(change.was, { status: 'working', reason: 'hashing', isUnknown: false })
  assert.deepEqual([change.statusSinceMs, change.reasonSinceMs], [ms(41), ms(41)])
})

test('a reason that changes alone has a time of its own', () => {
  const worker = new LiveWorker(TRUSTED).warm()
  worker.sample(30, { isMining: false })
  worker.sample(60, { isHeatStopped: true })
  const change = worker.changes.at(-1)
  assert.equal(worker.now, 'stopped/overheated')
  assert.deepEqual([change?.statusSinceMs, change?.reasonSinceMs, change?.version], [ms(30), ms(60), 4])
})

test('where no worker stands nothing is decided, and one that is retired is in no count', () => {
  const page = newPage()
  const place = { nowMs: ms(0), offset: 0n, index: 0 }
  const origin = { nodeId: 'n1', epoch: 1, seq: 1 }
  assert.deepEqual(applyCurrent(page, 3, healthy(0), origin, place, ORDINARY), [])
  assert.deepEqual(applyFailedPoll(page, 3, { tMs: ms(0), result: 'timeout' }, origin, place, ORDINARY), [])
  assert.deepEqual(
    fireTimers(page, 3, ms(9_000), () => ORDINARY),
    [],
  )
  assert.deepEqual(page, newPage())
  const worker = new LiveWorker().warm()
  retire(worker.page, worker.i)
  const counts = noCounts()
  addToCounts(counts, worker.page, worker.i)
  assert.deepEqual(counts, noCounts())
  assert.deepEqual({ ...worker.page, undo: null }, { ...newPage(), undo: null })
  assert.equal(classOf(worker.page, worker.i), null)
})

test('a rule that throws on a sample, a poll or a timer leaves nothing of it behind', () => {
  const worker = new LiveWorker(TRUSTED).warm()
  worker.samples(30, 60, atPct(50))
  const before = structuredClone({ ...worker.page, undo: null })
  const { engine } = worker.context
  const throws = (): never => {
    throw new Error('a mistake')
  }
  const rules = engine.rules.slice(0, -1).map(({ status, reason }) => ({ status, reason, holds: throws }))
  worker.change({ engine: { ...engine, rules } })
  assert.throws(() => worker.sample(90, { ...atPct(0), mode: 'sleep' }), /a mistake/)
  assert.throws(() => worker.poll(90), /a mistake/)
  const last = { ...engine, notices: engine.notices.map((notice) => ({ ...notice, judge: throws })) }
  worker.change({ engine: last })
  assert.throws(() => worker.sample(90, { ...atPct(0), boardsOnline: 0 }), /a mistake/)
  assert.deepEqual({ ...worker.page, undo: null }, before)
  worker.change({ engine: { ...engine, rules } })
  assert.throws(() => worker.until(1_000), /a mistake/)
  worker.page.status.dueMs.set(before.status.dueMs)
  assert.deepEqual({ ...worker.page, undo: null }, before)
})

test('one call fires 256 timers of a worker at most, and says that more is due', () => {
  const worker = new LiveWorker().warm()
  // A new version of something every second.
  const contextAt = (atMs: number) => ({
    ...worker.context,
    changesAtMs: (Math.floor(atMs / 1_000) + 1) * 1_000,
  })
  fireTimers(worker.page, worker.i, ms(290), contextAt)
  assert.equal(worker.page.status.decidedMs[worker.i], ms(256))
  assert.ok((worker.page.status.dueMs[worker.i] ?? 0) <= ms(290))
  fireTimers(worker.page, worker.i, ms(290), contextAt)
  assert.equal(worker.page.status.decidedMs[worker.i], ms(290))
  assert.equal(worker.page.status.dueMs[worker.i], ms(291))
})

test('counts: the five sum to all, and unknown, curtailed and unknown nominals stand beside them', () => {
  const counts = noCounts()
  const add = (worker: LiveWorker): void => addToCounts(counts, worker.page, worker.i)
  add(new LiveWorker())
  add(new LiveWorker().warm())
  const silent = new LiveWorker().warm()
  silent.change({ node: { ...ORDINARY.node, silentAtMs: ms(10) } })
  silent.until(20)
  add(silent)
  const curtailed = new LiveWorker(TRUSTED).warm()
  curtailed.change({ windows: [{ kind: 'heat', target: 'off', startsAtMs: ms(0), endsAtMs: ms(600) }] })
  curtailed.sample(30, atPct(0))
  add(curtailed)
  const nameless = new LiveWorker({ intent: { ...ORDINARY.intent, modelRateHs: null } }).warm()
  add(nameless)
  assert.deepEqual(counts, {
    statuses: { in_maintenance: 0, needs_repair: 0, stopped: 3, underperforming: 0, working: 2 },
    commissioned: 5,
    unknown: 1,
    curtailed: 1,
    nominalUnknown: 1,
  })
})
