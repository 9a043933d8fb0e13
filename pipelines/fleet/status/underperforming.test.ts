import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  atPct,
  LiveWorker,
  ORDINARY,
  POWER_W,
  RATE_HS,
  T0_MS,
  TRUSTED,
} from '../../../test/support/fleet/live/worker.ts'
import type { LiveSample } from '../live/sample.ts'
import { HASHES_PER_DIFFICULTY } from '../live/shares.ts'
import { HOUR_MS, SECOND_MS } from '../../../schemas/units.ts'

// The causes of Underperforming, each just below, at and just above what it compares with.

const ms = (atS: number): number => T0_MS + atS * SECOND_MS
/** Long enough for the old readings to have left r10. */
const LONG_S = 1_200

describe('low_rate', () => {
  test('r10 below 90 %', () => {
    const at = new LiveWorker(TRUSTED).warm()
    at.samples(30, LONG_S, atPct(90))
    assert.equal(at.now, 'working/hashing')
    const below = new LiveWorker(TRUSTED).warm()
    below.samples(30, LONG_S, atPct(90, -1))
    assert.equal(below.now, 'underperforming/low_rate')
  })

  test('leaves when r10 has been at 93 % for ten minutes', () => {
    for (const [pct, moreHs, then] of [
      [93, 0, 'working/hashing'],
      [93, -1, 'underperforming/low_rate'],
    ] as const) {
      const worker = new LiveWorker(TRUSTED).warm()
      worker.samples(30, LONG_S, atPct(80))
      worker.samples(LONG_S + 30, 3 * LONG_S, atPct(pct, moreHs))
      assert.equal(worker.now, then)
    }
  })

  test('between 90 and 93 % the ten minutes begin anew', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, LONG_S, atPct(80))
    const good = (fromS: number): void => worker.samples(fromS, fromS + 1_020, atPct(93))
    good(LONG_S + 30)
    worker.samples(LONG_S + 1_080, LONG_S + 1_170, atPct(91))
    good(LONG_S + 1_200)
    assert.equal(worker.now, 'underperforming/low_rate')
    good(LONG_S + 2_250)
    assert.equal(worker.now, 'working/hashing')
  })

  test('the ten minutes are unbroken, and end at a sample', () => {
    const worker = new LiveWorker({
      ...TRUSTED,
      thresholds: { ...ORDINARY.thresholds, cleanS: 600 },
    }).warm()
    worker.samples(30, LONG_S, atPct(80))
    worker.samples(LONG_S + 30, 2 * LONG_S, atPct(100))
    const [, left] = worker.changes
    // r10 spans ten minutes at most; it is at 93 % no later than those after the rate is.
    const cleanS = ((left?.atMs ?? 0) - ms(LONG_S)) / SECOND_MS
    assert.ok(cleanS >= 600 && cleanS <= 1_200, String(cleanS))
  })

  test('not within the ramp, and then not by the readings of the ramp', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    // Full rate after 14 minutes: a mean over the ten minutes before would be far below 90 %.
    worker.samples(30, 3_600, (atS) => ({
      ...atPct(Math.min(100, Math.floor((atS - 30) / 8.4))),
      uptimeS: atS - 30,
    }))
    assert.deepEqual(worker.history, [])
  })

  test('the ramp ends at 15 minutes of uptime', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 900, (atS) => ({ ...atPct(50), uptimeS: atS - 30 }))
    worker.samples(930, 960, (atS) => ({ ...atPct(50), uptimeS: atS - 30 }))
    assert.deepEqual(worker.history, [])
    // r10 needs three values from after the ramp.
    worker.sample(990, { ...atPct(50), uptimeS: 960 })
    assert.deepEqual(worker.history, ['990 underperforming/low_rate'])
  })

  test('a machine that was paused comes up as one that restarted does', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 1_200, { ...atPct(0), isMining: false })
    worker.samples(1_230, 2_100, atPct(50))
    assert.equal(worker.now, 'working/hashing')
    worker.samples(2_130, 2_400, atPct(50))
    assert.equal(worker.now, 'underperforming/low_rate')
  })

  test('a restart keeps the status, though the rate is good at once', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, LONG_S, atPct(80))
    worker.samples(LONG_S + 30, LONG_S + 900, (atS) => ({ ...atPct(100), uptimeS: atS - LONG_S - 30 }))
    assert.equal(worker.now, 'underperforming/low_rate')
    worker.samples(LONG_S + 930, LONG_S + 1_500, (atS) => ({ ...atPct(100), uptimeS: atS - LONG_S - 30 }))
    assert.equal(worker.now, 'underperforming/low_rate')
    worker.samples(LONG_S + 1_530, LONG_S + 1_620, (atS) => ({ ...atPct(100), uptimeS: atS - LONG_S - 30 }))
    assert.equal(worker.now, 'working/hashing')
  })

  test('tuning is an excuse, for twelve hours', () => {
    const worker = new LiveWorker({ ...TRUSTED, intervalMs: 60 * SECOND_MS }).warm()
    worker.samples(60, (12 * HOUR_MS) / SECOND_MS, { ...atPct(50), mode: 'tuning' })
    assert.equal(worker.now, 'working/hashing')
    worker.samples(12 * 3_600 + 60, 12 * 3_600 + 600, { ...atPct(50), mode: 'tuning' })
    assert.equal(worker.now, 'underperforming/low_rate')
  })

  test('off where H* is not known', () => {
    const worker = new LiveWorker({ ...TRUSTED, intent: { ...ORDINARY.intent, modelRateHs: null } }).warm()
    worker.samples(30, LONG_S, atPct(1))
    assert.equal(worker.now, 'working/hashing')
  })

  test('a machine on half its rate by its profile, or by its own word, is not at 50 %', () => {
    const byProfile = new LiveWorker({
      ...TRUSTED,
      intent: { ...ORDINARY.intent, profileRateHs: RATE_HS / 2, profilePowerW: POWER_W / 2 },
    }).warm()
    byProfile.samples(30, LONG_S, { ...atPct(50), powerW: POWER_W / 2 })
    assert.equal(byProfile.now, 'working/hashing')
    const byDevice = new LiveWorker(TRUSTED).warm()
    byDevice.samples(30, LONG_S, { ...atPct(50), powerW: POWER_W / 2, deviceNominalHs: RATE_HS / 2 })
    assert.equal(byDevice.now, 'working/hashing')
  })
})

describe('shares', () => {
  /** Samples whose counters grow by so much a sample. */
  const counting =
    (accepted: number, refused: number, deliveredPart: number) =>
    (atS: number): Partial<LiveSample> => {
      const n = atS / 30 + 1_000
      return {
        ...atPct(100),
        sharesAccepted: accepted * n,
        sharesRejected: Math.floor((refused * n) / 2),
        sharesStale: refused * n - Math.floor((refused * n) / 2),
        difficultyAccepted: (n * 30 * RATE_HS * deliveredPart) / HASHES_PER_DIFFICULTY,
      }
    }

  test('delivered below 95 % less three deviations of the shares counted', () => {
    // 10 shares a sample: between 400 and 600 in the window, so the mark is at 80 to 82.8 %.
    for (const [part, then] of [
      [0.83, 'working/hashing'],
      [0.79, 'underperforming/low_delivered'],
    ] as const) {
      const worker = new LiveWorker(TRUSTED).warm()
      worker.samples(30, 3_600, counting(10, 0, part))
      assert.equal(worker.now, then)
    }
  })

  test('not with fewer than 100 shares, nor where the algorithm has no factor', () => {
    const few = new LiveWorker(TRUSTED).warm()
    few.samples(30, 3_600, counting(1, 0, 0.1))
    assert.equal(few.now, 'working/hashing')
    const other = new LiveWorker({
      model: { ...ORDINARY.model, isDevice5mTrusted: true, shareMultiplier: null },
    }).warm()
    other.samples(30, 3_600, counting(10, 0, 0.1))
    assert.equal(other.now, 'working/hashing')
  })

  test('refused: more than 5 %, of at least 100 shares', () => {
    for (const [accepted, refused, then] of [
      [19, 1, 'working/hashing'],
      [18, 1, 'underperforming/shares_refused'],
      [1, 1, 'working/hashing'],
    ] as const) {
      const worker = new LiveWorker(TRUSTED).warm()
      worker.samples(30, accepted === 1 ? 1_200 : 3_600, counting(accepted, refused, 1))
      assert.equal(worker.now, then, `${accepted}`)
    }
  })

  test('leaves ten minutes after it has gone', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 1_800, counting(18, 2, 1))
    assert.equal(worker.now, 'underperforming/shares_refused')
    const before = counting(18, 2, 1)(1_800)
    worker.samples(1_830, 5_400, (atS) => ({
      ...counting(20, 0, 1)(atS),
      sharesAccepted: (before.sharesAccepted ?? 0) + (atS - 1_800),
      sharesRejected: before.sharesRejected ?? 0,
      sharesStale: before.sharesStale ?? 0,
    }))
    assert.equal(worker.now, 'working/hashing')
  })
})

describe('chips and efficiency', () => {
  test('fewer than 90 % of the expected chips for an hour', () => {
    const at = new LiveWorker(TRUSTED).warm()
    at.samples(30, 7_200, { ...atPct(100), chipsOnline: 297 })
    assert.equal(at.now, 'working/hashing')
    const below = new LiveWorker(TRUSTED).warm()
    below.samples(30, 3_600, { ...atPct(100), chipsOnline: 296 })
    assert.equal(below.now, 'working/hashing')
    below.sample(3_630, { ...atPct(100), chipsOnline: 296 })
    assert.equal(below.now, 'underperforming/chips_missing')
    below.samples(3_660, 4_230, atPct(100))
    assert.equal(below.now, 'underperforming/chips_missing')
    below.sample(4_260, atPct(100))
    assert.equal(below.now, 'working/hashing')
  })

  test('more than 115 % of the intended joules per hash, for as long as r5 looks back', () => {
    const at = new LiveWorker(TRUSTED).warm()
    at.samples(30, 3_600, { ...atPct(100), powerW: POWER_W * 1.15 })
    assert.equal(at.now, 'working/hashing')
    const above = new LiveWorker(TRUSTED).warm()
    above.samples(30, 300, { ...atPct(100), powerW: POWER_W * 1.15 + 1 })
    assert.equal(above.now, 'working/hashing')
    above.sample(330, { ...atPct(100), powerW: POWER_W * 1.15 + 1 })
    assert.equal(above.now, 'underperforming/inefficient')
  })

  test('not by an estimate, and not below half the rate', () => {
    const estimated = new LiveWorker(TRUSTED).warm()
    estimated.samples(30, 3_600, { ...atPct(100), powerW: POWER_W * 2, powerSource: 'miner_estimate' })
    assert.equal(estimated.now, 'working/hashing')
    const half = new LiveWorker({ ...TRUSTED, thresholds: { ...ORDINARY.thresholds, underPct: 0 } }).warm()
    half.samples(30, 3_600, atPct(50, -1))
    assert.equal(half.now, 'working/hashing')
    half.samples(3_630, 3_960, atPct(50))
    assert.equal(half.now, 'underperforming/inefficient')
  })
})

describe('dwell', () => {
  const AT_ONCE = { ...TRUSTED, thresholds: { ...ORDINARY.thresholds, cleanS: 0, chipsS: 0 } }
  const few = { ...atPct(100), chipsOnline: 200 }

  test('between Underperforming and Working a minute at least, however fast samples come', () => {
    const worker = new LiveWorker({ ...AT_ONCE, intervalMs: 10 * SECOND_MS }).warm()
    worker.samples(10, 600, (atS) => (atS % 20 === 0 ? atPct(100) : few))
    const times = worker.changes.map(({ atMs }) => atMs)
    assert.ok(times.length > 5)
    for (const [n, atMs] of times.entries()) assert.ok(n === 0 || atMs - (times[n - 1] ?? 0) >= 60_000)
  })

  test('what it held back comes when it is over, not with the next sample', () => {
    const worker = new LiveWorker(AT_ONCE).warm()
    worker.sample(30, few)
    worker.sample(55, atPct(100))
    worker.until(89.999)
    assert.equal(worker.now, 'underperforming/chips_missing')
    worker.sample(110, atPct(100))
    assert.deepEqual(worker.history, ['30 underperforming/chips_missing', '90 working/hashing'])
    assert.deepEqual(worker.changes[1]?.evidence.cause, { by: 'timer', timer: 'dwell', dueMs: ms(90) })
  })

  test('is no shelter from the other statuses', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, LONG_S, atPct(80))
    worker.decisions.length = 0
    worker.sample(LONG_S + 30, { isMining: false })
    assert.equal(worker.now, 'stopped/paused')
  })
})
