import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readAnswers } from '../../../../test/support/fleet/read-answers.ts'
import type { ReadAnswers } from '../../../../test/support/fleet/read-answers.ts'

const read = (info: object, context = {}): ReadAnswers =>
  readAnswers('espminer', { '/api/system/info': info }, context)

describe('windows', () => {
  test('an hour that is a copy of ten minutes is none, on the fork that copies', () => {
    const hour = (info: object): number | null => read(info).telemetry.hashrate_hs['1h']
    assert.equal(hour({ hashRate_10m: 750.5, hashRate_1h: 750.5, hashRate_1d: 750.5 }), null)
    assert.equal(hour({ hashRate_10m: 750.5, hashRate_1h: 748, hashRate_1d: 740 }), 748_000_000_000)
    assert.equal(hour({ hashRate_10m: 0, hashRate_1h: 0 }), 0)
  })

  test('old releases have the present only; what the frequency would give is not computed', () => {
    const { telemetry } = read({ hashRate: 401.25, frequency: 500, smallCoreCount: 900, asicCount: 1 })
    const { now, ...others } = telemetry.hashrate_hs
    assert.equal(now, 401_250_000_000)
    assert.ok(Object.values(others).every((rate) => rate === null))
    assert.deepEqual(
      [telemetry.hashrate_nominal_hs, telemetry.is_mining, telemetry.hw_error_ratio],
      [null, null, null],
    )
  })
})

test('temperatures: the mean and the hottest of the chips with a sensor; the regulator is no chip', () => {
  const read3 = (info: object): unknown[] => {
    const { chip_avg: mean, chip_max: hottest, vr } = read(info).telemetry.temp_c
    return [mean, hottest, vr]
  }
  assert.deepEqual(read3({ temp: 60, temp2: 64, vrTemp: 71 }), [62, 64, 71])
  assert.deepEqual(read3({ temp: 66, asicTemps: [61, -1, 66], vrTemp: 0 }), [63.5, 66, null])
  assert.deepEqual(read3({ temp: 0, temp2: -1 }), [null, null, null])
  assert.deepEqual(read3({ temp: 58, asicTemps: [] }), [58, 58, null])
})

test('a second fan counts where the machine or its model has two, or where it turns', () => {
  const fans = (info: object, count: number): unknown =>
    read(info, { model: { fans: count } }).telemetry.fans?.map(({ index, rpm, pct }) => [index, rpm, pct])
  const one = { fanrpm: 4_000, fanspeed: 61 }
  assert.deepEqual(fans({ ...one, fan2rpm: 0 }, 1), [[0, 4_000, 61]])
  assert.deepEqual(fans({ ...one, fan2rpm: 0 }, 2), [
    [0, 4_000, 61],
    [1, 0, null],
  ])
  assert.deepEqual(fans({ ...one, fan2rpm: 3_000 }, 1), [
    [0, 4_000, 61],
    [1, 3_000, null],
  ])
  assert.deepEqual(fans({ ...one, fanrpm2: 0, fanspeed2: 0, fanCount: 2 }, 1), [
    [0, 4_000, 61],
    [1, 0, 0],
  ])
  assert.deepEqual(fans({ ...one, fans: [{ rpm: 10, speedPerc: 5 }] }, 2), [[0, 10, 5]])
  assert.deepEqual(fans({ fanrpm: 0, fan2rpm: 0 }, 0), [])
  assert.equal(fans({}, 1), undefined)
})

describe('pools and shares', () => {
  const pools = {
    stratumURL: 'a.example',
    stratumPort: 21,
    stratumUser: 'u',
    fallbackStratumURL: 'stratum+ssl://b.example:443',
    fallbackStratumPort: 9,
  }
  const shown = (info: object): unknown =>
    read({ ...pools, ...info }).telemetry.pools?.map((pool) => [
      pool.url,
      pool.active,
      pool.accepted,
      pool.difficulty,
    ])

  test('the counters belong to the pool in use', () => {
    const counted = { sharesAccepted: 12, poolDifficulty: 512 }
    assert.deepEqual(shown({ ...counted, isUsingFallbackStratum: 1 }), [
      ['a.example:21', false, null, null],
      ['stratum+ssl://b.example:443', true, 12, 512],
    ])
    assert.deepEqual(shown({ ...counted, fallbackStratumURL: '' }), [['a.example:21', null, null, null]])
    assert.deepEqual(read(counted).telemetry.shares.accepted, 12)
    assert.equal(read({ stratumURL: '', stratumUser: 'u' }).telemetry.pools, null)
  })

  test('stale shares are known where their reason is, or where the reasons explain all that were rejected', () => {
    const stale = (sharesRejected: number, reasons?: object[]): number | null =>
      read({ sharesRejected, sharesRejectedReasons: reasons }).telemetry.shares.stale
    assert.equal(
      stale(5, [
        { message: 'Job not found (=stale)', count: 2 },
        { message: 'Low difficulty', count: 3 },
      ]),
      2,
    )
    assert.equal(stale(3, [{ message: 'Low difficulty', count: 3 }]), 0)
    assert.equal(stale(4, [{ message: 'Low difficulty', count: 3 }]), null)
    assert.equal(stale(3, [{ count: 3 }]), null)
    assert.equal(stale(0, []), 0)
    assert.equal(stale(3, []), null)
    assert.equal(stale(0), null)
  })

  test('the best share is a number, or one that is shortened', () => {
    assert.equal(read({ bestDiff: 123_456 }).telemetry.best_share, 123_456)
    assert.equal(read({ bestDiff: '7.5M' }).telemetry.best_share, 7_500_000)
  })
})

test('a pause is the intent; the protection against heat is an error', () => {
  const paused = read({ miningPaused: true, hashRate: 3, overheat_mode: 0 }).telemetry
  assert.deepEqual([paused.is_mining, paused.errors], [false, []])
  assert.equal(read({ shutdown: true }).telemetry.is_mining, false)
  const hot = read({ miningPaused: false, overheat_mode: 1, power_fault: 'too much current' }).telemetry
  assert.deepEqual(
    [hot.is_mining, hot.errors?.map((error) => [error.vendor_code, error.message])],
    [
      true,
      [
        ['overheat_mode', null],
        ['power_fault', 'too much current'],
      ],
    ],
  )
  assert.equal(read({}).telemetry.errors, null)
})

test('what the board can bear is no limit; an answer without a rate and chips is no board', () => {
  const { telemetry } = read({ maxPower: 44, coreVoltageActual: 0, error: 'unknown route' })
  assert.deepEqual([telemetry.power_limit_w, telemetry.boards, telemetry.boards_online], [null, null, null])
})
