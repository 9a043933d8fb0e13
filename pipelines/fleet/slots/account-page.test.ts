import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  applyStep,
  GROUP,
  pageWith,
  RETIRED_MS,
  run,
  summed,
  total,
  WORKER,
} from '../../../test/support/fleet/account-run.ts'
import type { Step } from '../../../test/support/fleet/account-run.ts'
import { failedPoll, reading } from '../../../test/support/fleet/readings.ts'
import { AccountPage } from './account-page.ts'
import { HOLES_MAX } from './holes.ts'
import { NOT_COMMISSIONED } from './placement.ts'
import type { Reading, SecondsKind } from './reading.ts'
import { LATE_MS_MAX } from './slot.ts'

// The rules of the account plane, each at its edge.

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const CELL_MS = 5 * MINUTE_MS
const START_MS = RETIRED_MS - 25 * HOUR_MS
const FULL_HS = 100_000_000_000_000

const at = (seconds: number): number => START_MS + seconds * SECOND_MS

/** A reading `afterS` after the start, in the log at that time or at `logS`. */
function seen(afterS: number, changed: Parameters<typeof reading>[1] = {}, logS = afterS): Step {
  return { atMs: at(logS), reading: reading(at(afterS), changed) }
}

function failed(afterS: number, changed: Parameters<typeof failedPoll>[1] = {}, logS = afterS): Step {
  return { atMs: at(logS), poll: failedPoll(at(afterS), changed) }
}

const series = (
  fromS: number,
  toS: number,
  everyS = 30,
  changed: Parameters<typeof reading>[1] = {},
): Step[] =>
  Array.from({ length: Math.ceil((toS - fromS) / everyS) }, (_, nth) =>
    seen(fromS + nth * everyS, { intervalS: everyS, ...changed }),
  )

/** What all cells say of the first `lengthS` seconds, which must be whole cells. */
function account(steps: readonly Step[], lengthS = 600, intervalS = 30): ReturnType<typeof sums> {
  const ran = run(pageWith(START_MS, intervalS), steps, START_MS + LATE_MS_MAX + 2 * HOUR_MS)
  return sums(ran, lengthS)
}

function sums(ran: ReturnType<typeof run>, lengthS: number) {
  const cells = ran.cells.filter(({ cellMs }) => cellMs < at(lengthS))
  const [all] = summed(cells, () => 0).values()
  const { seconds: known = {}, bridgedS = 0, commissionedS = 0, hashes = 0n, joules = {} } = all ?? {}
  const seconds: Partial<Record<SecondsKind, number>> = known
  return {
    ...seconds,
    bridgedS,
    commissionedS,
    fullS: Number(hashes) / FULL_HS,
    joules,
    outcomes: ran.outcomes,
  }
}

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
    const page = pageWith(START_MS, 300)
    const steps = Array.from({ length: 12 }, (_, nth) => seen(nth * 30, often))
    const ran = run(page, steps, at(2_000))
    assert.deepEqual(ran.page.lost, { holes: 0, slots: 5 })
    assert.equal(sums(ran, 600).hashing, 12 * 30 + 240)
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
    const page = pageWith(START_MS, 30)
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
    const longAfter = account([seen(0), ...series(60, 3_600), seen(30, {}, 3_700)])
    assert.equal(longAfter.outcomes.at(-1), 'covered')
  })

  test('a cell leaves D and the worker’s spread after its end', () => {
    const page = pageWith(START_MS, 30, 200)
    const dueS = 300 + 120 + 200
    for (const step of series(0, dueS)) applyStep(page, step)
    assert.deepEqual(page.take().cells, [])
    applyStep(page, seen(dueS - 1))
    assert.deepEqual(page.take().cells, [])
    applyStep(page, seen(dueS))
    const [cell, ...others] = page.take().cells
    assert.deepEqual(others, [])
    assert.deepEqual([cell?.worker, cell?.cellMs, cell?.isLate], [WORKER, START_MS, false])
    assert.equal(cell?.seconds.hashing, 300)
  })

  test('the sums of a minute leave with the first full minute at which it has settled', () => {
    const page = pageWith(START_MS, 30)
    for (const step of series(0, 180)) applyStep(page, step)
    page.advance(at(179))
    assert.deepEqual(page.take().minutes, [])
    page.advance(at(180))
    const [minute, ...others] = page.take().minutes
    assert.deepEqual(others, [])
    assert.deepEqual([minute?.group, minute?.minuteMs, minute?.commissionedS], [GROUP, START_MS, 60])
    assert.equal(minute?.hashes, 60n * BigInt(FULL_HS))
  })
})

describe('holes', () => {
  const hole = (fromS: number, toS: number): unknown => ({ fromMs: at(fromS), toMs: at(toS) })
  const around = [...series(0, 600), ...series(1_200, 2_400)]

  test('what settles with none is a hole, and a late reading splits it', () => {
    const page = pageWith(START_MS, 30)
    run(page, around, at(2_400))
    assert.deepEqual(page.holesOf(WORKER), [hole(600, 1_200)])
    assert.equal(applyStep(page, seen(900, {}, 2_400)), 'late')
    assert.deepEqual(page.holesOf(WORKER), [hole(600, 900), hole(930, 1_200)])
    assert.equal(applyStep(page, seen(900, {}, 2_401)), 'repeat')
    assert.equal(applyStep(page, seen(901, {}, 2_401)), 'late', 'it reaches into the hole behind')
    assert.equal(applyStep(page, seen(900.5, {}, 2_401)), 'covered')
  })

  test('a late reading brings its bridges to the edges of its hole', () => {
    const left = account([...around, seen(645, {}, 2_400)], 2_400)
    assert.deepEqual(
      [left.hashing, left.bridgedS],
      [1_800 + 30 + 30 + 30, 30],
      'and what it reaches itself, in the end',
    )
    const right = account([...around, seen(1_125, {}, 2_400)], 2_400)
    assert.deepEqual([right.hashing, right.bridgedS], [1_800 + 90, 30])
  })

  test('late slots leave at the next full minute, or when twenty wait', () => {
    const page = pageWith(START_MS, 30)
    run(page, around, at(2_400))
    const late = series(600, 1_200).map(({ atMs, ...step }) => ({ ...step, atMs: at(2_401) }))
    for (const step of late.slice(0, 5)) applyStep(page, step)
    assert.deepEqual(page.take().cells, [])
    page.advance(at(2_460))
    const [left, ...others] = page.take().cells.filter(({ isLate }) => isLate)
    assert.deepEqual([left?.cellMs, left?.seconds.hashing, others], [at(600), 150, []])
    assert.equal(left?.commissionedS, 0, 'these were counted when the slots settled')
    page.advance(at(2_461))
    const more = series(750, 1_200).map(({ atMs, ...step }) => ({ ...step, atMs: at(2_461) }))
    for (const step of more) applyStep(page, step)
    assert.deepEqual(page.take().cells, [])
    assert.deepEqual(page.holesOf(WORKER), [])
  })

  test('the twenty-first late slot does not wait with twenty others', () => {
    const page = pageWith(START_MS, 30)
    run(page, [...series(0, 600), ...series(1_800, 2_400)], at(2_400))
    const late = series(600, 1_800).map((step) => ({ ...step, atMs: at(2_401) }))
    for (const step of late.slice(0, 20)) applyStep(page, step)
    assert.deepEqual(page.take().cells, [])
    for (const step of late.slice(20, 21)) applyStep(page, step)
    const left = page.take().cells
    assert.deepEqual(new Set(left.map(({ cellMs }) => cellMs)), new Set([at(600), at(900)]))
    assert.equal(
      total(left, ({ seconds }) => seconds.hashing),
      600,
    )
  })

  test('a failed poll that comes late fills its slot, and its interval when more is known', () => {
    const page = pageWith(START_MS, 60)
    const polls = [612, 672, 732].map((afterS) => failed(afterS, { intervalS: 60 }, 2_400))
    const apart = [...series(0, 600, 60), ...series(1_200, 2_400, 60)]
    const ran = run(page, [...apart, ...polls], at(2_500))
    assert.deepEqual(ran.outcomes.slice(-3), ['late', 'late', 'late'])
    assert.deepEqual(page.holesOf(WORKER), [hole(750, 1_200)])
    assert.equal(account([...apart, ...polls], 2_400, 60).unreachable, 210)
  })

  test('79 hours late fills, 81 hours late is not accepted', () => {
    const steps = [...series(0, 600), ...series(1_200, 1_800)]
    const ran = run(
      pageWith(START_MS, 30),
      [...steps, seen(900, {}, 900 + 79 * 3_600)],
      at(1_800) + LATE_MS_MAX,
    )
    assert.equal(ran.outcomes.at(-1), 'late')
    // Its own slot, and in the end the one that it reaches, which begins at its time + interval: none.
    assert.equal(sums(ran, 1_800).hashing, 1_200 + 30)
    const tooLate = account([...steps, seen(900, {}, 900 + 81 * 3_600)], 1_800)
    assert.equal(tooLate.outcomes.at(-1), 'quarantined')
    assert.equal(tooLate.hashing, 1_200)
  })

  test('what nothing is held back of is unheard, and its hole is closed', () => {
    const page = pageWith(START_MS, 30)
    const span = { fromMs: at(690), toMs: at(1_019) }
    const ran = run(page, [...around, { atMs: at(2_400), complete: span }, seen(900, {}, 2_401)], at(2_460))
    assert.deepEqual(page.holesOf(WORKER), [hole(600, 690), hole(990 + 30 - 30, 1_200)])
    assert.equal(ran.outcomes.at(-1), 'covered')
    assert.equal(
      total(ran.cells, ({ seconds }) => seconds.unheard),
      300,
    )
  })

  test(`a worker has at most ${HOLES_MAX} holes: the shortest is closed for good`, () => {
    // Gaps of 3, 4, 5 … minutes; the seventeenth is the one that still grows.
    const ends = Array.from({ length: HOLES_MAX + 1 }, (_, nth) => nth * 600)
    const page = pageWith(START_MS, 30)
    const steps = ends.flatMap((startS, nth) => series(startS, startS + 420 - nth * 10))
    run(page, steps, at(ends.length * 600))
    assert.equal(page.holesOf(WORKER).length, HOLES_MAX)
    assert.equal(page.lost.holes, 1)
    const [first] = page.holesOf(WORKER)
    assert.notDeepEqual(first, hole(420, 600), 'the first was the shortest')
    assert.equal(applyStep(page, seen(500, {}, ends.length * 600)), 'covered')
  })

  test('time before a worker was known brings its commissioned seconds along', () => {
    const page = pageWith(START_MS, 30)
    page.openBefore(WORKER, START_MS - 3_600_000)
    assert.deepEqual(page.holesOf(WORKER), [hole(-3_600, 0)])
    const before = [-600, -570, -540].map((afterS) => seen(afterS, {}, 10))
    const ran = run(
      page,
      [...before, { atMs: at(300), complete: { fromMs: at(-1_200), toMs: at(-900) } }],
      at(600),
    )
    const late = ran.cells.filter(({ cellMs }) => cellMs < START_MS)
    assert.equal(
      total(late, ({ seconds }) => seconds.hashing),
      90,
    )
    assert.equal(
      total(late, ({ commissionedS }) => commissionedS),
      90,
    )
    assert.equal(
      total(late, ({ seconds }) => seconds.unheard),
      0,
    )
  })
})

describe('counters', () => {
  const shares = (afterS: number, accepted: number, logS = afterS): Step =>
    seen(
      afterS,
      { counters: { uptimeS: 50_000 + afterS, accepted, difficultyAccepted: accepted * 1_000 } },
      logS,
    )
  const cellsOf = (steps: readonly Step[]): [number, number, number][] => {
    const { cells } = run(pageWith(START_MS, 30), steps, START_MS + LATE_MS_MAX + 2 * HOUR_MS)
    const rows = Map.groupBy(cells, ({ cellMs }) => (cellMs - START_MS) / CELL_MS)
    return [...rows]
      .map(([cell, those]): [number, number, number] => [
        cell,
        total(those, ({ shares }) => shares.accepted),
        total(those, ({ shares }) => shares.acceptedAcrossGap),
      ])
      .filter(([, accepted]) => accepted > 0)
      .toSorted(([one], [other]) => one - other)
  }

  test('deltas follow the time of observation while slots are open', () => {
    assert.deepEqual(cellsOf([shares(0, 4), shares(60, 13, 62), shares(30, 8, 63)]), [[0, 9, 0]])
  })

  test('what was counted across a gap stands at its right edge', () => {
    assert.deepEqual(cellsOf([shares(0, 4), shares(1_510, 404)]), [[5, 400, 400]])
  })

  test('late readings take their part of it, and the total stays', () => {
    const edges = [shares(0, 4), shares(1_510, 404)]
    assert.deepEqual(cellsOf([...edges, shares(610, 104, 1_900)]), [
      [2, 100, 0],
      [5, 300, 300],
    ])
    // The first was closer to the right edge; what comes into the hole before it was counted with it.
    assert.deepEqual(cellsOf([...edges, shares(610, 104, 1_900), shares(310, 54, 1_901)]), [
      [2, 100, 0],
      [5, 300, 300],
    ])
  })

  test('a counter that the right edge does not tell is left to the next one that does', () => {
    const late = shares(610, 104, 1_900)
    const pending = [shares(0, 4), seen(1_510), shares(1_540, 404)]
    assert.deepEqual(cellsOf([...pending, late]), cellsOf(pending))
    const counted = [shares(0, 4), failed(1_450), seen(1_510), shares(1_540, 404)]
    assert.deepEqual(cellsOf([...counted, late]), cellsOf(counted))
    assert.deepEqual(cellsOf(counted), [[5, 400, 0]])
  })

  test('a late reading without counters leaves the last ones that were told', () => {
    assert.deepEqual(cellsOf([shares(0, 4), seen(600, {}, 1_200), shares(1_210, 30)]), [[4, 26, 26]])
  })

  test('a late reading shows what a restart had hidden', () => {
    const restarted = seen(1_510, { counters: { uptimeS: 100, accepted: 20 } })
    assert.deepEqual(cellsOf([shares(0, 4), restarted]), [[5, 20, 20]])
    assert.deepEqual(cellsOf([shares(0, 4), restarted, shares(610, 104, 1_900)]), [
      [2, 100, 0],
      [5, 20, 20],
    ])
  })
})

describe('a page', () => {
  test('a worker that is not commissioned is in no sum, and has no holes', () => {
    const groupAt = (_: number, atMs: number): number => (atMs < at(300) ? NOT_COMMISSIONED : GROUP)
    const page = AccountPage.empty(START_MS, { groupAt })
    page.configure(WORKER, { intervalS: 30, spreadS: 0 })
    const ran = run(page, series(0, 150), at(1_200))
    assert.deepEqual(page.holesOf(WORKER), [{ fromMs: at(300), toMs: at(1_080) }])
    assert.equal(ran.cells[0]?.cellMs, at(300))
  })

  test('workers do not see each other', () => {
    const page = AccountPage.empty(START_MS, { groupAt: (worker) => worker })
    for (const worker of [0, 255]) page.configure(worker, { intervalS: 30, spreadS: 0 })
    page.apply(0, reading(START_MS))
    page.apply(255, reading(START_MS, { rateHs: 0 }))
    page.advance(at(600))
    const { cells, minutes } = page.take()
    const kinds = cells
      .filter(({ cellMs }) => cellMs === START_MS)
      .map(({ worker, seconds }) => [worker, seconds.hashing, seconds.idle])
    assert.deepEqual(kinds, [
      [0, 30, 0],
      [255, 0, 30],
    ])
    assert.deepEqual(new Set(minutes.map(({ group }) => group)), new Set([0, 255]))
  })

  test('says what it cannot do', () => {
    const page = AccountPage.empty(START_MS, { groupAt: () => GROUP })
    assert.throws(() => page.apply(3, reading(START_MS)), /No worker is configured at place 3/)
    assert.throws(() => page.configure(256, { intervalS: 30, spreadS: 0 }), /no place 256/)
    assert.throws(() => page.configure(0, { intervalS: 301, spreadS: 0 }), /10 to 300 s, not 301/)
    page.configure(0, { intervalS: 30, spreadS: 0 })
    page.advance(at(600))
    assert.throws(() => page.openBefore(0, START_MS), /has begun already/)
  })

  test('is read back from its bytes only', () => {
    const page = pageWith(START_MS, 30)
    run(page, series(0, 600), at(1_200))
    const bytes = page.encode()
    const { groupAt } = { groupAt: () => GROUP }
    assert.deepEqual(AccountPage.decode(bytes, { groupAt }).encode(), bytes)
    assert.throws(() => AccountPage.decode(bytes.subarray(0, -1), { groupAt }), /fewer bytes/)
    assert.throws(() => AccountPage.decode(Buffer.concat([bytes, bytes]), { groupAt }), /more bytes/)
    assert.throws(() => AccountPage.decode(Buffer.alloc(4), { groupAt }), /format none/)
    const other = Buffer.from(bytes)
    other.writeUInt32LE(77)
    assert.throws(() => AccountPage.decode(other, { groupAt }), /format 77/)
    page.advance(at(1_800))
    assert.throws(() => page.encode(), /not taken/)
  })

  test('keeps less than 900 bytes of a worker, besides its holes', () => {
    const bytes = AccountPage.empty(START_MS, { groupAt: () => GROUP }).encode().length / 256
    assert.ok(bytes < 900, `${bytes}`)
  })
})

test('time that nothing is known of is nobody’s', () => {
  const nothing: Reading = reading(START_MS, {
    rateHs: null,
    isMining: false,
    powerW: null,
    powerSource: null,
  })
  assert.deepEqual(account([{ atMs: START_MS, reading: nothing }]).joules, {})
})
