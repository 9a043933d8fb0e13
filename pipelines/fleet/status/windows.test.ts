import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { atPct, LiveWorker, POWER_W, T0_MS, TRUSTED } from '../../../test/support/fleet/live/worker.ts'
import type { Window, WindowTarget } from '../live/windows.ts'
import { SECOND_MS } from '../../../schemas/units.ts'

// What windows make of the rules.

const ms = (atS: number): number => T0_MS + atS * SECOND_MS

function over(
  startS: number,
  endS: number,
  target: WindowTarget = 'off',
  kind: Window['kind'] = 'curtailment',
): Window {
  return { kind, target, startsAtMs: ms(startS), endsAtMs: ms(endS) }
}

const RESTS = { ...atPct(0), rateNowHs: 0, powerW: 40 }

describe('curtailed', () => {
  test('while a window is on and the rate at most 10 %, and for the ramp after it', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.change({ windows: [over(60, 3_600)] })
    worker.sample(30, atPct(10, 1))
    worker.sample(60, atPct(10, 1))
    assert.deepEqual(worker.history, [])
    worker.samples(90, 3_600 + 870, atPct(10))
    assert.deepEqual(worker.history, ['90 stopped/curtailed'])
    // The ramp is over at 4,500: from then on it is a machine that does not hash.
    worker.samples(3_600 + 900, 3_600 + 960, atPct(10))
    assert.deepEqual(worker.history.slice(1), ['4500 stopped/not_hashing'])
  })

  test('a window that begins over a machine that stands gives its reason at its edge', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 330, RESTS)
    worker.change({ windows: [over(345, 900)] })
    worker.until(350)
    assert.deepEqual(worker.history.slice(-2), ['330 stopped/not_hashing', '345 stopped/curtailed'])
  })

  test('asleep in a window is curtailed, whatever the averages of the machine still say', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.change({ windows: [over(0, 3_600)] })
    worker.sample(30, { ...atPct(100), mode: 'sleep' })
    assert.equal(worker.now, 'stopped/curtailed')
  })

  test('one that falls or rises slowly past 10 % stays curtailed until it has resumed', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.change({ windows: [over(0, 3_600)] })
    worker.sample(30, atPct(9))
    worker.samples(60, 3_570, atPct(12))
    worker.samples(3_600, 4_470, atPct(14))
    assert.deepEqual(worker.history, ['30 stopped/curtailed'])
    worker.samples(4_500, 4_530, atPct(14))
    assert.equal(worker.now, 'stopped/not_hashing')
  })

  test('one that comes back within the ramp is working, and not underperforming meanwhile', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.change({ windows: [over(60, 3_600)] })
    worker.samples(90, 3_600, RESTS)
    worker.samples(3_630, 7_200, (atS) => atPct(Math.min(100, 20 + (atS - 3_600) / 10)))
    assert.deepEqual(worker.history, ['90 stopped/curtailed', '3660 working/hashing'])
  })

  test('a machine that went on hashing through a window is not underperforming after it', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.change({ windows: [over(60, 1_800)] })
    worker.samples(90, 7_200, (atS) => atPct(atS < 1_800 ? 50 : 100))
    assert.deepEqual(worker.history, [])
  })
})

describe('a partial window', () => {
  test('scales H*: 60 % of it is all that is asked', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.change({ windows: [over(60, 36_000, { pct: 60 })] })
    worker.samples(90, 3_600, { ...atPct(54), powerW: POWER_W * 0.54 })
    assert.equal(worker.now, 'working/hashing')
    worker.samples(3_630, 7_200, { ...atPct(54, -1), powerW: POWER_W * 0.54 })
    assert.equal(worker.now, 'underperforming/low_rate')
  })

  test('in watts is the part of W* that they are', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.change({ windows: [over(60, 36_000, { watts: POWER_W / 2 })] })
    worker.samples(90, 3_600, { ...atPct(45), powerW: POWER_W * 0.45 })
    assert.equal(worker.now, 'working/hashing')
  })

  test('two that overlap: the lower one, then the other, with a ramp where the target rises', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.change({ windows: [over(0, 3_600), over(1_800, 7_200, { pct: 60 })] })
    worker.samples(30, 3_600, RESTS)
    // Within the ramp to 60 % it stands still, and is not yet one that does not hash.
    worker.samples(3_630, 4_470, RESTS)
    assert.deepEqual(worker.history, ['30 stopped/curtailed'])
    worker.samples(4_500, 7_200, { ...atPct(60), powerW: POWER_W * 0.6 })
    worker.samples(7_230, 8_070, { ...atPct(60), powerW: POWER_W * 0.6 })
    assert.deepEqual(worker.history, ['30 stopped/curtailed', '4530 working/hashing'])
    worker.samples(8_100, 9_000, { ...atPct(60), powerW: POWER_W * 0.6 })
    assert.equal(worker.now, 'underperforming/low_rate')
  })

  test('the event that is told as evidence is the whole of both', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.change({ windows: [over(0, 600), over(300, 900)] })
    worker.samples(700, 760, RESTS)
    assert.equal(worker.changes[0]?.evidence.values.windowFromMs, ms(0))
  })
})

describe('window_not_obeyed', () => {
  test('above 20 % of W*, five minutes after the window has begun, for two minutes', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.change({ windows: [over(0, 3_600)] })
    worker.samples(30, 390, { ...atPct(25), powerW: POWER_W * 0.2 + 1 })
    assert.deepEqual(worker.told, [])
    worker.sample(420, { ...atPct(25), powerW: POWER_W * 0.2 + 1 })
    assert.deepEqual(worker.told, ['420 open window_not_obeyed critical'])
    worker.sample(450, { ...atPct(25), powerW: POWER_W * 0.2 })
    assert.deepEqual(worker.told.slice(1), ['450 close window_not_obeyed critical'])
  })

  test('a partial one: above its target and 20 %', () => {
    for (const [watts, opened] of [
      [POWER_W * 0.8, 0],
      [POWER_W * 0.8 + 1, 1],
    ] as const) {
      const worker = new LiveWorker(TRUSTED).warm()
      worker.change({ windows: [over(0, 3_600, { pct: 60 })] })
      worker.samples(30, 1_200, { ...atPct(80), powerW: watts })
      assert.equal(worker.told.length, opened)
    }
  })

  test('without watts, by the rate', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.change({ windows: [over(0, 3_600)] })
    worker.samples(30, 1_200, { ...atPct(21), powerW: null })
    assert.equal(worker.told.length, 1)
  })
})
