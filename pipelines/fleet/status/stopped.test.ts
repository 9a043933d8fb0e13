import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { atPct, LiveWorker, ORDINARY, T0_MS, TRUSTED } from '../../../test/support/fleet/live/worker.ts'
import { SECOND_MS } from '../../../schemas/units.ts'

// The rules of Stopped, each just below, at and just above what it compares with.

const ms = (atS: number): number => T0_MS + atS * SECOND_MS

describe('never_seen', () => {
  test('a commissioned worker is stopped until two good samples, 30 s apart', () => {
    const worker = new LiveWorker()
    assert.equal(worker.now, 'stopped/never_seen')
    worker.samples(0, 60)
    // r5 needs three readings, so the sample of second 60 is the first good one.
    assert.equal(worker.now, 'stopped/never_seen')
    worker.sample(89)
    assert.equal(worker.now, 'stopped/never_seen')
    worker.sample(90)
    assert.equal(worker.now, 'working/hashing')
  })

  test('nobody waits for a machine that never was there: not after hours, and not after failed polls', () => {
    const worker = new LiveWorker()
    for (let atS = 0; atS <= 7_200; atS += 30) worker.poll(atS)
    assert.deepEqual(worker.history, ['-3600 stopped/never_seen'])
  })

  test('one that refuses our login is there', () => {
    const worker = new LiveWorker()
    for (let atS = 0; atS <= 60; atS += 30) worker.poll(atS, 'auth_failed')
    assert.equal(worker.now, 'stopped/unreadable')
  })

  test('a machine of which no rate was ever told works when it is there twice', () => {
    const worker = new LiveWorker()
    worker.samples(0, 30, { rateNowHs: null })
    assert.equal(worker.now, 'working/hashing')
  })
})

describe('unreachable', () => {
  test('three failed polls and five minutes without an answer', () => {
    const worker = new LiveWorker().warm()
    for (const atS of [30, 60, 90]) worker.poll(atS)
    worker.until(299.999)
    assert.equal(worker.now, 'working/hashing')
    worker.until(300)
    assert.deepEqual(worker.history, ['300 stopped/unreachable'])
  })

  test('two failed polls are not enough: then it counts from when anything was heard', () => {
    const worker = new LiveWorker().warm()
    worker.poll(30)
    worker.poll(60)
    worker.until(359.999)
    assert.equal(worker.now, 'working/hashing')
    worker.until(360)
    assert.deepEqual(worker.history, ['360 stopped/unreachable'])
  })

  test('the third failed poll finds the time over', () => {
    const worker = new LiveWorker().warm()
    for (const atS of [120, 240, 330]) worker.poll(atS)
    assert.deepEqual(worker.history, ['330 stopped/unreachable'])
  })

  test('with a slow interval, three intervals', () => {
    const worker = new LiveWorker({ intervalMs: 200 * SECOND_MS })
    for (const atS of [0, 200]) worker.sample(atS)
    worker.until(799)
    assert.equal(worker.now, 'working/hashing')
    worker.until(800)
    assert.equal(worker.now, 'stopped/unreachable')
  })

  test('the change is as of the due time, however late the timer fires', () => {
    const worker = new LiveWorker().warm()
    worker.until(5_000)
    const [change] = worker.changes
    assert.equal(change?.atMs, ms(300))
    assert.deepEqual(change?.evidence.cause, { by: 'timer', timer: 'unreachable', dueMs: ms(300) })
  })

  test('leaves with two good samples at least 30 s apart, the second at the edge', () => {
    for (const [apartS, then] of [
      [29, 'stopped/unreachable'],
      [30, 'working/hashing'],
    ] as const) {
      const worker = new LiveWorker(TRUSTED).warm()
      worker.until(400)
      worker.sample(400, atPct(100))
      assert.equal(worker.now, 'stopped/unreachable')
      worker.sample(400 + apartS, atPct(100))
      assert.equal(worker.now, then)
    }
  })

  test('15 % is not good, a hair more is', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.until(400)
    worker.samples(400, 460, atPct(15))
    assert.equal(worker.now, 'stopped/not_hashing')
    worker.sample(490, atPct(15, 1))
    worker.sample(520, atPct(15, 1))
    assert.equal(worker.now, 'working/hashing')
  })

  test('a sample between the two that is not good begins anew', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.until(400)
    worker.sample(400, atPct(100))
    worker.sample(420, atPct(12))
    worker.sample(440, atPct(100))
    worker.sample(460, atPct(100))
    assert.equal(worker.now, 'stopped/not_hashing')
    worker.sample(470, atPct(100))
    assert.equal(worker.now, 'working/hashing')
  })
})

describe('unreadable', () => {
  test('three answers without a sample and five minutes; counted unknown', () => {
    const worker = new LiveWorker().warm()
    worker.poll(30, 'auth_failed')
    worker.poll(60, 'unreadable')
    worker.poll(290, 'auth_failed')
    worker.until(299.999)
    assert.equal(worker.now, 'working/hashing')
    worker.until(300)
    assert.deepEqual(worker.history, ['300 stopped/unreadable'])
    assert.equal(worker.changes[0]?.isUnknown, true)
  })

  test('a sample forgives the answers before it', () => {
    const worker = new LiveWorker().warm()
    for (const atS of [30, 60, 90]) worker.poll(atS, 'unreadable')
    worker.sample(120)
    for (const atS of [150, 390]) worker.poll(atS, 'unreadable')
    worker.until(600)
    assert.equal(worker.now, 'working/hashing')
    worker.poll(610, 'unreadable')
    assert.deepEqual(worker.history, ['610 stopped/unreadable'])
  })

  test('answers keep a machine from being unreachable', () => {
    const worker = new LiveWorker().warm()
    for (let atS = 30; atS <= 900; atS += 30) worker.poll(atS, atS % 60 === 0 ? 'timeout' : 'auth_failed')
    assert.deepEqual(worker.history, ['300 stopped/unreadable'])
  })
})

describe('node_unavailable', () => {
  const silent = (atS: number) => ({ ...ORDINARY.node, silentAtMs: ms(atS) })
  const back = (atS: number, deafFromS: number) => ({
    silentAtMs: Number.POSITIVE_INFINITY,
    returnedAtMs: ms(atS),
    deaf: [{ fromMs: ms(deafFromS), toMs: ms(atS) }],
  })

  test('as of when the node counts as silent; unknown', () => {
    const worker = new LiveWorker({ node: ORDINARY.node }).warm()
    worker.change({ node: { ...silent(290), deaf: [{ fromMs: ms(0), toMs: Number.POSITIVE_INFINITY }] } })
    worker.until(600)
    assert.deepEqual(worker.history, ['290 stopped/node_unavailable'])
    assert.equal(worker.changes[0]?.isUnknown, true)
  })

  test('the first own sample ends it, without a second one; the status is the one before', () => {
    const worker = new LiveWorker().warm()
    worker.change({ node: silent(290) })
    worker.until(2_400)
    worker.change({ node: back(2_400, 10) })
    worker.sample(2_430)
    assert.deepEqual(worker.history, ['290 stopped/node_unavailable', '2430 working/hashing'])
  })

  test('a failed poll ends it too', () => {
    const worker = new LiveWorker().warm()
    worker.change({ node: silent(290) })
    worker.until(2_400)
    worker.change({ node: back(2_400, 10) })
    worker.poll(2_410)
    assert.equal(worker.now, 'working/hashing')
  })

  test('not heard: two minutes after the return the rules go on, and then count listening time', () => {
    const worker = new LiveWorker().warm()
    worker.change({ node: silent(290) })
    worker.until(2_400)
    worker.change({ node: back(2_400, 10) })
    worker.until(9_000)
    assert.deepEqual(worker.history, [
      '290 stopped/node_unavailable',
      '2520 working/hashing',
      // Heard at 0; 10 s were listened to before the silence, 290 s after it.
      '2690 stopped/unreachable',
    ])
  })

  test('one that was stopped before is stopped after it, and needs its two good samples', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 330, { ...atPct(0), rateNowHs: 0 })
    assert.equal(worker.now, 'stopped/not_hashing')
    worker.change({ node: silent(600) })
    worker.until(1_000)
    worker.change({ node: back(1_000, 400) })
    worker.sample(1_030, atPct(100))
    assert.equal(worker.now, 'stopped/not_hashing')
    worker.sample(1_060, atPct(100))
    assert.equal(worker.now, 'working/hashing')
  })

  test('underperforming before is underperforming after it, also when a timer came in between', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 1_200, atPct(80))
    assert.equal(worker.now, 'underperforming/low_rate')
    worker.change({ node: silent(1_500), changesAtMs: ms(1_600) })
    worker.until(1_700)
    worker.change({ node: back(1_700, 1_210), changesAtMs: Number.POSITIVE_INFINITY })
    worker.sample(1_730, atPct(80))
    assert.equal(worker.now, 'underperforming/low_rate')
  })
})

describe('identity_conflict', () => {
  test('counts as unknown while it lasts, then needs two good samples', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.change({ changesAtMs: ms(10) })
    worker.context = { ...worker.context, isConflict: true }
    worker.until(20)
    assert.deepEqual(worker.history, ['10 stopped/identity_conflict'])
    assert.equal(worker.changes[0]?.isUnknown, true)
    worker.change({ isConflict: false, changesAtMs: ms(60) })
    worker.sample(90, atPct(100))
    assert.equal(worker.now, 'stopped/identity_conflict')
    worker.sample(120, atPct(100))
    assert.equal(worker.now, 'working/hashing')
  })
})

describe('paused, overheated, no_pool', () => {
  test('paused at once: by mode, or by intent; a low rate alone is no pause', () => {
    for (const pause of [{ mode: 'sleep' }, { isMining: false }] as const) {
      const worker = new LiveWorker().warm()
      worker.sample(30, pause)
      assert.deepEqual(worker.history, ['30 stopped/paused'])
    }
  })

  test('overheated when the machine says so', () => {
    const worker = new LiveWorker().warm()
    worker.sample(30, { isHeatStopped: true })
    assert.deepEqual(worker.history, ['30 stopped/overheated'])
  })

  test('all pools dead for three minutes, and the rate at most 10 %', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 180, { ...atPct(10), poolsAlive: 0 })
    assert.doesNotMatch(worker.now, /stopped/)
    worker.sample(210, { ...atPct(10), poolsAlive: 0 })
    assert.equal(worker.now, 'stopped/no_pool')
  })

  test('a rate above 10 % comes from somewhere', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 600, { ...atPct(10, 1), poolsAlive: 0 })
    assert.doesNotMatch(worker.now, /stopped/)
  })
})

describe('not_hashing', () => {
  test('at most 10 % for five minutes', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 300, atPct(10))
    assert.doesNotMatch(worker.now, /stopped/)
    worker.sample(330, atPct(10))
    assert.equal(worker.now, 'stopped/not_hashing')
  })

  test('a hair more is underperforming, not stopped', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 3_600, atPct(10, 1))
    assert.equal(worker.now, 'underperforming/low_rate')
  })

  test('one sample in between begins anew; a silence does not, and counts nothing', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 300, atPct(10))
    worker.sample(330, atPct(11))
    worker.samples(360, 630, atPct(10))
    assert.notEqual(worker.now, 'stopped/not_hashing')
    // 270 s so far; the silence of 200 s adds none.
    worker.sample(830, atPct(10))
    assert.notEqual(worker.now, 'stopped/not_hashing')
    worker.sample(860, atPct(10))
    assert.equal(worker.now, 'stopped/not_hashing')
  })

  test('not within the ramp after a start: the status before is kept', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 900, (atS) => ({ ...atPct(0), rateNowHs: 0, uptimeS: atS - 30 }))
    assert.equal(worker.now, 'working/hashing')
    worker.sample(930, { ...atPct(0), rateNowHs: 0, uptimeS: 900 })
    assert.deepEqual(worker.history, ['930 stopped/not_hashing'])
  })

  test('where H* is not known, a rate of 0 alone is none', () => {
    const unknown = { ...TRUSTED, intent: { ...ORDINARY.intent, modelRateHs: null } }
    const slow = new LiveWorker(unknown).warm()
    slow.samples(30, 3_600, { rate5mHs: 1 })
    assert.equal(slow.now, 'working/hashing')
    const still = new LiveWorker(unknown).warm()
    still.samples(30, 330, { rate5mHs: 0 })
    assert.equal(still.now, 'stopped/not_hashing')
  })
})
