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
} from '../../../../test/support/fleet/live/worker.ts'
import type { LiveSample } from '../../live/sample.ts'
import type { Window } from '../../live/windows.ts'
import { SECOND_MS } from '../../../../schemas/units.ts'

const ms = (atS: number): number => T0_MS + atS * SECOND_MS

/** What is told of a warm worker whose samples every 30 s differ in this from second 30 to `toS`, and then no more. */
function told(but: Partial<LiveSample>, toS: number, afterS = 0): string[] {
  const worker = new LiveWorker({ ...TRUSTED, powerCapW: 4_000 }).warm()
  worker.samples(30, toS, { ...atPct(100), ...but })
  if (afterS > 0) worker.samples(toS + 30, toS + afterS, atPct(100))
  return worker.told
}

/** Of these lines, those about one kind. */
const about = (kind: string, lines: readonly string[]): string[] =>
  lines.filter((line) => line.includes(` ${kind} `))

describe('each kind, just below, at and just above what it compares with', () => {
  // Kind; what shows it; what just does not; seconds that it has to hold; severity.
  const rows: readonly (readonly [string, Partial<LiveSample>, Partial<LiveSample>, number, string])[] = [
    ['temperature_chip', { chipMaxC: 90 }, { chipMaxC: 89.9 }, 300, 'warning'],
    ['temperature_chip', { chipMaxC: 95 }, { chipMaxC: 89.9 }, 120, 'critical'],
    ['temperature_board', { boardMaxC: 75 }, { boardMaxC: 74.9 }, 300, 'warning'],
    ['temperature_board', { boardMaxC: 80 }, { boardMaxC: null }, 120, 'critical'],
    ['temperature_inlet', { inletC: 40 }, { inletC: 39.9 }, 300, 'warning'],
    [
      'temperature_inlet',
      { inletC: null, coolantInC: 45 },
      { inletC: null, coolantInC: 39.9 },
      120,
      'critical',
    ],
    ['coolant_low', { coolantInC: 25 }, { coolantInC: 25.1 }, 300, 'warning'],
    ['coolant_low', { coolantInC: 20 }, { coolantInC: 25.1 }, 120, 'critical'],
    ['hashboard', { boardsOnline: 2 }, { boardsOnline: 3 }, 120, 'critical'],
    ['chips_falling', { chipsOnline: 320 }, { chipsOnline: 321 }, 600, 'warning'],
    ['hw_errors', { hwErrorRatio: 0.0101 }, { hwErrorRatio: 0.01 }, 1_800, 'warning'],
    ['fan_stopped', { fanMinRpm: 0, fanMaxRpm: null }, { fanMinRpm: 1, fanMaxRpm: null }, 120, 'critical'],
    [
      'fan_spread',
      { fanMinRpm: 699, fanMaxRpm: 1_000 },
      { fanMinRpm: 700, fanMaxRpm: 1_000 },
      300,
      'warning',
    ],
    ['pool_backup', { activePoolPriority: 1 }, { activePoolPriority: 0 }, 180, 'warning'],
    ['pool_dead', { poolsAlive: 0 }, { poolsAlive: 1 }, 180, 'critical'],
    ['pool_foreign', { arePoolsAllowed: false }, { arePoolsAllowed: null }, 0, 'critical'],
    ['pool_changed', { poolsDigest: 78 }, { poolsDigest: null }, 0, 'info'],
    ['power_over_cap', { powerW: 3_800 }, { powerW: 3_799 }, 300, 'warning'],
    ['power_over_cap', { powerW: 4_000 }, { powerW: 4_000, powerSource: 'nameplate' }, 120, 'critical'],
    ['unit_suspect', { rate5mHs: RATE_HS * 2 + 1 }, { rate5mHs: RATE_HS * 2 }, 300, 'warning'],
  ]
  for (const [kind, shows, showsNot, sustainS, severity] of rows) {
    test(`${kind} ${severity}`, () => {
      const opened = `${30 + sustainS} open ${kind} ${severity}`
      assert.deepEqual(about(kind, told(shows, 30 + sustainS)), [opened])
      if (sustainS > 0) assert.deepEqual(about(kind, told(shows, sustainS)), [])
      assert.deepEqual(about(kind, told(showsNot, 3_000)), [])
    })
  }
})

describe('sustain, cooldown, severity', () => {
  test('one record: it becomes severe, never milder, and closes once', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 360, { ...atPct(100), chipMaxC: 91 })
    worker.samples(390, 600, { ...atPct(100), chipMaxC: 96 })
    worker.samples(630, 1_200, { ...atPct(100), chipMaxC: 91 })
    worker.samples(1_230, 1_560, atPct(100))
    assert.deepEqual(about('temperature_chip', worker.told), [
      '330 open temperature_chip warning',
      '510 change temperature_chip critical',
      '1530 close temperature_chip critical',
    ])
    const [open, change] = worker.notices.filter(({ kind }) => kind === 'temperature_chip')
    assert.deepEqual([open?.value, open?.threshold], [91, 90])
    assert.deepEqual([change?.value, change?.threshold], [96, 95])
  })

  test('what comes back within the cooldown belongs to the open record', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 3_600, (atS) => ({ ...atPct(100), boardMaxC: atS % 300 < 60 ? 70 : 76 }))
    assert.deepEqual(worker.told, [])
    worker.samples(3_630, 3_960, { ...atPct(100), boardMaxC: 76 })
    worker.samples(3_990, 7_200, (atS) => ({ ...atPct(100), boardMaxC: atS % 300 < 270 ? 70 : 76 }))
    assert.deepEqual(
      worker.notices.filter(({ kind }) => kind === 'temperature_board').map(({ action }) => action),
      ['open'],
    )
  })

  test('a board that returns closes its record, and one that is not answered about does not', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 150, { ...atPct(100), boardsOnline: 2 })
    worker.samples(180, 600, { ...atPct(100), boardsOnline: null })
    worker.samples(630, 750, atPct(100))
    assert.deepEqual(worker.told, ['150 open hashboard critical', '750 close hashboard critical'])
  })

  test('a change of pools is told once, and closed half an hour later', () => {
    assert.deepEqual(told({ poolsDigest: 78 }, 1_830), ['30 open pool_changed info'])
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 1_860, { ...atPct(100), poolsDigest: 78 })
    assert.deepEqual(worker.told, ['30 open pool_changed info', '1860 close pool_changed info'])
  })
})

describe('what machines do by themselves is no fault', () => {
  test('fans of a machine that does not hash, pools of one that sleeps', () => {
    assert.deepEqual(
      told({ ...atPct(0), fanMinRpm: 0, fanMaxRpm: 0, mode: 'sleep', poolsAlive: 0 }, 3_000),
      [],
    )
  })

  test('chips that get warm while the machine comes up; afterwards it is a rise', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 900, (atS) => ({ ...atPct(100), uptimeS: atS, chipMaxC: 20 + atS / 20 }))
    assert.deepEqual(worker.told, [])
    worker.samples(930, 1_200, { ...atPct(100), chipMaxC: 65 })
    worker.sample(1_230, { ...atPct(100), chipMaxC: 74.9 })
    assert.deepEqual(worker.told, [])
    worker.sample(1_260, { ...atPct(100), chipMaxC: 75 })
    assert.deepEqual(worker.told, ['1260 open temperature_rise warning'])
  })

  test('a low rate while it comes up; a unit that is off by a thousand shows afterwards, and is no stop', () => {
    const worker = new LiveWorker(TRUSTED)
    worker.samples(0, 7_200, (atS) => ({ rateNowHs: RATE_HS / 1_000, uptimeS: atS }))
    assert.equal(worker.now, 'working/hashing')
    assert.deepEqual(worker.told, ['1230 open unit_suspect warning'])
  })

  test('a unit that is off since a restart is no stop either', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 3_600, (atS) => ({ rateNowHs: RATE_HS / 1_000, uptimeS: atS - 30 }))
    assert.equal(worker.now, 'working/hashing')
    assert.deepEqual(worker.told, ['1230 open unit_suspect warning'])
  })

  test('a machine that fell below 1 % is dying, and is stopped', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 330, { ...atPct(0.5), rateNowHs: RATE_HS / 200 })
    assert.equal(worker.now, 'stopped/not_hashing')
    assert.deepEqual(worker.told, [])
  })
})

describe('restarts', () => {
  test('two by fault within six hours open a record, and it closes when they are over', () => {
    const worker = new LiveWorker({
      ...TRUSTED,
      thresholds: { ...ORDINARY.thresholds, restartsS: 3_600 },
    }).warm()
    const uptime = (atS: number): Partial<LiveSample> => ({
      ...atPct(100),
      uptimeS: atS < 600 ? atS - 60 : atS - 600,
    })
    worker.sample(30, atPct(100))
    worker.samples(60, 600, uptime)
    assert.deepEqual(worker.told, ['600 open restarts warning'])
    worker.samples(630, 2_430, uptime)
    assert.deepEqual(worker.told.slice(1), ['2400 close restarts warning'])
  })
})

describe('windows and repairs', () => {
  const window: Window = { kind: 'curtailment', target: { pct: 60 }, startsAtMs: ms(0), endsAtMs: ms(3_600) }
  const everything: Partial<LiveSample> = {
    ...atPct(5),
    chipMaxC: 99,
    boardsOnline: 1,
    chipsOnline: 100,
    hwErrorRatio: 0.5,
    fanMinRpm: 1,
    fanMaxRpm: 5_000,
    poolsAlive: 0,
    activePoolPriority: 2,
    arePoolsAllowed: false,
    powerW: 4_100,
  }

  test('all but safety, and what is about the window itself, is silent in a window and its ramp', () => {
    const worker = new LiveWorker({ ...TRUSTED, powerCapW: 4_000, windows: [window] })
    worker.samples(-3_600, -30)
    worker.decisions.length = 0
    worker.samples(0, 3_600 + 870, everything)
    assert.deepEqual(
      new Set(worker.notices.map(({ kind }) => kind)),
      new Set(['temperature_chip', 'temperature_rise', 'power_over_cap', 'window_not_obeyed']),
    )
    worker.samples(3_600 + 900, 3_600 + 7_200, everything)
    const kinds = new Set(worker.notices.map(({ kind }) => kind))
    for (const kind of ['status', 'hashboard', 'pool_dead', 'pool_foreign', 'hw_errors'] as const) {
      assert.ok(kinds.has(kind), kind)
    }
  })

  test('a sample is silent if the window is on at its own time, or when it comes', () => {
    const foreign = { ...atPct(100), arePoolsAllowed: false }
    const worker = new LiveWorker({
      ...TRUSTED,
      windows: [{ ...window, startsAtMs: ms(60), endsAtMs: ms(400) }],
    }).warm()
    worker.sample(55, foreign, 65)
    // The ramp ends at 1,300.
    worker.sample(1_295, foreign, 1_305)
    assert.deepEqual(worker.told, [])
    worker.sample(1_325, foreign)
    assert.deepEqual(worker.told, ['1325 open pool_foreign critical'])
  })

  test('what had begun to hold before a window has to hold anew after it', () => {
    const worker = new LiveWorker({
      ...TRUSTED,
      windows: [{ ...window, startsAtMs: ms(130), endsAtMs: ms(400) }],
    }).warm()
    worker.samples(30, 2_000, { ...atPct(100), boardsOnline: 2 })
    // The ramp ends at 1,300.
    assert.deepEqual(about('hashboard', worker.told), ['1440 open hashboard critical'])
  })

  test('a repair is as silent; what was open waits for its end', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 300, { ...atPct(100), boardsOnline: 2 })
    worker.change({ repairs: [{ state: 'diagnosing', fromMs: ms(310), toMs: ms(1_000) }] })
    worker.samples(330, 990, atPct(100))
    assert.deepEqual(worker.told, ['150 open hashboard critical'])
    worker.samples(1_020, 1_200, atPct(100))
    assert.deepEqual(worker.told.slice(1), ['1140 close hashboard critical'])
  })
})

describe('status', () => {
  const line = (worker: LiveWorker): string[] =>
    worker.notices
      .filter(({ kind }) => kind === 'status')
      .map(({ atMs, action, severity }) => `${(atMs - T0_MS) / SECOND_MS} ${action} ${severity}`)

  test('one record from the first status that is not working until it works again', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 300, { ...atPct(80), powerW: POWER_W * 0.8 })
    worker.until(1_000)
    worker.samples(1_000, 1_090, atPct(100))
    assert.deepEqual(
      line(worker).map((text) => text.replace(/^\d+ /, '')),
      ['open warning', 'change critical', 'close critical'],
    )
  })

  test('a silent node is told for the node alone', () => {
    const worker = new LiveWorker().warm()
    worker.change({ node: { ...ORDINARY.node, silentAtMs: ms(300) } })
    worker.until(2_000)
    worker.change({ node: { ...ORDINARY.node, returnedAtMs: ms(2_000) } })
    worker.samples(2_010, 2_100)
    assert.deepEqual(line(worker), [])
  })

  test('a pause within a window is not told; one that outlasts it is', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.change({
      windows: [{ kind: 'grid', target: 'off', startsAtMs: ms(0), endsAtMs: ms(600) }],
    })
    worker.samples(30, 3_000, { isMining: false })
    // The ramp after the window is over at 1,500.
    assert.deepEqual(line(worker), ['1500 open critical'])
  })
})
