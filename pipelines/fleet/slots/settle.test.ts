import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { applyStep, GROUP, pageWith, run, WORKER } from '../../../test/support/fleet/account/run.ts'
import {
  account,
  accountOf,
  at,
  BEGIN_MS,
  failed,
  FULL_HS,
  seen,
  series,
} from '../../../test/support/fleet/account/steps.ts'

// What the slots of a worker come to in time, each rule at its edge.

describe('slots', () => {
  test('a reading covers the slots that begin before its time + interval', () => {
    assert.equal(account([seen(0)]).hashing, 30)
    assert.equal(account([seen(1)]).hashing, 60)
    assert.equal(account([seen(29.999)]).hashing, 60)
    assert.equal(account([seen(0, { intervalS: 60 })], 600, 60).hashing, 60)
    assert.equal(account([seen(0, { intervalS: 300 })], 600, 300).hashing, 300)
    assert.equal(account([seen(5, { intervalS: 10 })], 600, 10).hashing, 30)
  })

  test('up to 2.5 intervals between two readings are the first one’s, and more are none', () => {
    const half = { rateHs: FULL_HS / 2, powerW: 1_000 }
    const near = account([seen(0), seen(75, half)])
    // 0 and 30 are the first one's, 30 as bridged; 60 and 90 are the second one's.
    assert.deepEqual([near.hashing, near.bridgedS, near.fullS], [120, 30, 60 + 30])
    assert.deepEqual(near.joules, { miner_psu: 60 * 3_400 + 60 * 1_000 })
    const far = account([seen(0), seen(75.001, half)])
    assert.deepEqual([far.hashing, far.bridgedS], [90, 0])
  })

  test('a failed poll covers its interval as what it was', () => {
    assert.equal(account([failed(0)]).unreachable, 30)
    assert.equal(account([failed(0, { seconds: 'unreadable', intervalS: 60 })], 600, 60).unreadable, 60)
    const both = account(
      [failed(0, { intervalS: 60 }), failed(40, { seconds: 'unreadable', intervalS: 60 })],
      600,
      60,
    )
    assert.deepEqual([both.unreachable, both.unreadable], [30, 90])
  })

  test('readings beat bridges, bridges beat failed polls, these beat none', () => {
    const beaten = account([seen(0), failed(31), failed(61), seen(75)])
    assert.deepEqual([beaten.hashing, beaten.bridgedS, beaten.unreachable], [120, 30, undefined])
    const beating = account([seen(0), failed(31), failed(61), seen(91)])
    assert.deepEqual([beating.hashing, beating.unreachable], [90, 60])
    assert.equal(beating.commissionedS, 600)
  })

  test('a failed poll that is older than a reading says nothing about the time behind it', () => {
    const long = { intervalS: 300 }
    const behind = account([failed(0, long), seen(60)])
    assert.deepEqual([behind.unreachable, behind.hashing], [60, 30])
    const inOneSlot = account([failed(3, long), seen(9)])
    assert.deepEqual([inOneSlot.unreachable, inOneSlot.hashing], [undefined, 60])
    const late = account([seen(0), failed(100, long, 1_000), seen(160, {}, 1_001), seen(2_000)])
    assert.deepEqual([late.unreachable, late.hashing], [60, 90])
  })

  test('the newest reading of a slot counts, and the same time again is a repeat', () => {
    const slow = { rateHs: FULL_HS / 4 }
    const newest = account([seen(3), seen(9, slow), seen(6), seen(9), seen(9, slow, 100)])
    assert.deepEqual(newest.outcomes, ['counted', 'counted', 'covered', 'repeat', 'repeat'])
    assert.equal(newest.fullS, 60 / 4)
  })

  test('the holder’s readings beat a shadow’s, which fill what these leave empty', () => {
    const slow = { isShadow: true, rateHs: FULL_HS / 4 }
    const beside = account([seen(2), seen(20, slow), seen(40, slow), seen(62, slow)])
    assert.deepEqual(beside.outcomes, ['counted', 'covered', 'counted', 'counted'])
    // 0 and 30 are the holder's, who reaches into 30; 60 and 90 are the shadow's.
    assert.equal(beside.fullS, 60 + 60 / 4)
    const after = account([seen(20, slow), seen(2)])
    assert.deepEqual([after.outcomes, after.fullS], [['counted', 'counted'], 60])
    const late = account([seen(0), seen(310, {}, 310), seen(150, slow, 600), seen(150, {}, 601)])
    assert.deepEqual(late.outcomes.slice(2), ['shadow', 'late'])
  })

  test('samples ahead of log time by more than 60 s are refused', () => {
    assert.deepEqual(account([seen(60, {}, 0), seen(60.001, {}, 0)]).outcomes, ['counted', 'refused'])
  })

  test('a worker that sends more often than it says settles its oldest slots early', () => {
    const often = { intervalS: 300 }
    const page = pageWith(BEGIN_MS, 300)
    const steps = Array.from({ length: 12 }, (_, nth) => seen(nth * 30, often))
    const ran = run(page, steps, at(2_000))
    assert.deepEqual(ran.page.lost, { holes: 0, slots: 5 })
    assert.equal(accountOf(ran, 600).hashing, 12 * 30 + 240)
  })

  test('a day at 3,400 W is 81.6 kWh', () => {
    const day = account(series(0, 86_400), 86_400)
    assert.deepEqual(day.joules, { miner_psu: 293_760_000 })
    assert.deepEqual([day.hashing, day.commissionedS, day.bridgedS], [86_400, 86_400, 0])
    assert.equal(day.fullS, 86_400)
  })

  test('the seconds of an hour are split over their kinds', () => {
    const silent = { rateHs: null, isMining: null }
    const hour = account(
      [
        ...series(0, 1_800),
        ...series(1_800, 2_100, 30, { rateHs: FULL_HS / 10 }),
        ...series(2_100, 2_400, 30, { rateHs: 0, isMining: false }),
        ...series(2_400, 2_490, 30, silent),
        ...[2_490, 2_520, 2_550].map((afterS) => failed(afterS)),
        ...[2_580, 2_610].map((afterS) => failed(afterS, { seconds: 'unreadable' })),
        ...series(3_000, 3_600),
      ],
      3_600,
    )
    const { hashing, idle, resting, unreachable, unreadable, commissionedS } = hour
    assert.deepEqual(
      { hashing, idle, resting, unreachable, unreadable, commissionedS },
      {
        hashing: 2_400,
        idle: 300,
        resting: 300,
        unreachable: 90,
        unreadable: 150,
        commissionedS: 3_600,
      },
    )
    // Hashing uptime and reachability are quotients of these: none is what is missing to the whole.
    const none = commissionedS - 2_400 - 300 - 300 - 90 - 150
    assert.equal(none, 360)
  })
})

describe('settling', () => {
  test('a slot settles D after its end, and after that its time is taken', () => {
    for (const [intervalS, delayS] of [
      [30, 120],
      [60, 120],
      [90, 180],
      [300, 600],
    ] as const) {
      const late = { intervalS, rateHs: 0 }
      const settledS = 30 + delayS
      const before = account([seen(1, { intervalS }), seen(2, late, settledS - 0.001)], 600, intervalS)
      assert.deepEqual(before.outcomes, ['counted', 'counted'])
      const after = account([seen(1, { intervalS }), seen(0, late, settledS)], 600, intervalS)
      assert.deepEqual(after.outcomes, ['counted', 'covered'], String(intervalS))
    }
  })

  test('a longer interval keeps slots open for longer, from now on', () => {
    const page = pageWith(BEGIN_MS, 30)
    run(page, [seen(0), seen(60)], at(149))
    page.configure(WORKER, { intervalS: 300, spreadS: 0 })
    assert.equal(applyStep(page, seen(1, {}, 200)), 'counted')
    assert.equal(applyStep(page, seen(2, {}, 629)), 'counted')
    page.configure(WORKER, { intervalS: 30, spreadS: 0 })
    assert.equal(applyStep(page, seen(3, {}, 629)), 'covered')
  })

  test('a reading that came too late for a bridge is told so', () => {
    const missed = account([seen(0), seen(60), seen(30, {}, 300), seen(0.5, {}, 301)])
    assert.deepEqual(missed.outcomes, ['counted', 'counted', 'bridged_over', 'covered'])
    // Remembered for 64 slots: slot 1 until slot 66 settles.
    const outcomeAt = (logS: number): unknown =>
      account(
        [seen(0), ...series(60, 2_400), seen(30, {}, logS)].toSorted((one, other) => one.atMs - other.atMs),
      ).outcomes[(logS - 60) / 30 + 2]
    assert.deepEqual([outcomeAt(2_070), outcomeAt(2_100)], ['bridged_over', 'covered'])
  })

  test('a cell leaves D and the worker’s spread after its end', () => {
    const page = pageWith(BEGIN_MS, 30, 200)
    const dueS = 300 + 120 + 200
    for (const step of series(0, dueS)) applyStep(page, step)
    assert.deepEqual(page.take().cells, [])
    applyStep(page, seen(dueS - 1))
    assert.deepEqual(page.take().cells, [])
    applyStep(page, seen(dueS))
    const [cell, ...others] = page.take().cells
    assert.deepEqual(others, [])
    assert.deepEqual([cell?.worker, cell?.cellMs, cell?.isLate], [WORKER, BEGIN_MS, false])
    assert.equal(cell?.seconds.hashing, 300)
  })

  test('the sums of a minute leave with the first full minute at which it has settled', () => {
    const page = pageWith(BEGIN_MS, 30)
    for (const step of series(0, 180)) applyStep(page, step)
    page.advance(at(179))
    assert.deepEqual(page.take().minutes, [])
    page.advance(at(180))
    const [minute, ...others] = page.take().minutes
    assert.deepEqual(others, [])
    assert.deepEqual([minute?.group, minute?.minuteMs, minute?.commissionedS], [GROUP, BEGIN_MS, 60])
    assert.equal(minute?.hashes, 60n * BigInt(FULL_HS))
  })
})
