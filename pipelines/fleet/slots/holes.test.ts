import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { applyStep, pageWith, run, total, WORKER } from '../../../test/support/fleet/account/run.ts'
import {
  account,
  accountOf,
  allAt,
  at,
  BEGIN_MS,
  failed,
  seen,
  series,
} from '../../../test/support/fleet/account/steps.ts'
import { HOLES_MAX } from './holes.ts'
import { LATE_MS_MAX } from './slot.ts'

// What is done with time of which nothing is known.

describe('holes', () => {
  const hole = (fromS: number, toS: number): unknown => ({ fromMs: at(fromS), toMs: at(toS) })
  const around = [...series(0, 600), ...series(1_200, 2_400)]

  test('what settles with none is a hole, and a late reading splits it', () => {
    const page = pageWith(BEGIN_MS, 30)
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
    const page = pageWith(BEGIN_MS, 30)
    run(page, around, at(2_400))
    const late = allAt(2_401, series(600, 1_200))
    for (const step of late.slice(0, 5)) applyStep(page, step)
    assert.deepEqual(page.take().cells, [])
    page.advance(at(2_460))
    const [left, ...others] = page.take().cells.filter(({ isLate }) => isLate)
    assert.deepEqual([left?.cellMs, left?.seconds.hashing, others], [at(600), 150, []])
    assert.equal(left?.commissionedS, 0, 'these were counted when the slots settled')
    page.advance(at(2_461))
    const more = allAt(2_461, series(750, 1_200))
    for (const step of more) applyStep(page, step)
    assert.deepEqual(page.take().cells, [])
    assert.deepEqual(page.holesOf(WORKER), [])
  })

  test('the twenty-first late slot does not wait with twenty others', () => {
    const page = pageWith(BEGIN_MS, 30)
    run(page, [...series(0, 600), ...series(1_800, 2_400)], at(2_400))
    const late = allAt(2_401, series(600, 1_800))
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
    const page = pageWith(BEGIN_MS, 60)
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
      pageWith(BEGIN_MS, 30),
      [...steps, seen(900, {}, 900 + 79 * 3_600)],
      at(1_800) + LATE_MS_MAX,
    )
    assert.equal(ran.outcomes.at(-1), 'late')
    // Its own slot, and in the end the one that it reaches, which begins at its time + interval: none.
    assert.equal(accountOf(ran, 1_800).hashing, 1_200 + 30)
    const tooLate = account([...steps, seen(900, {}, 900 + 81 * 3_600)], 1_800)
    assert.equal(tooLate.outcomes.at(-1), 'quarantined')
    assert.equal(tooLate.hashing, 1_200)
  })

  test('what nothing is held back of is unheard, and its hole is closed', () => {
    const page = pageWith(BEGIN_MS, 30)
    const span = { fromMs: at(690), toMs: at(1_019) }
    const ran = run(page, [...around, { atMs: at(2_400), complete: span }, seen(900, {}, 2_401)], at(2_460))
    assert.deepEqual(page.holesOf(WORKER), [hole(600, 690), hole(990 + 30 - 30, 1_200)])
    assert.equal(ran.outcomes.at(-1), 'covered')
    assert.equal(
      total(ran.cells, ({ seconds }) => seconds.unheard),
      300,
    )
  })

  test('what is bridged is not unheard', () => {
    const span = { fromMs: at(600), toMs: at(1_200) }
    const near = account([...around, seen(1_125, {}, 2_401), { atMs: at(2_402), complete: span }], 2_400)
    assert.deepEqual([near.hashing, near.bridgedS, near.unheard], [1_800 + 90, 30, 510])
  })

  test(`a worker has at most ${HOLES_MAX} holes: the shortest is closed for good`, () => {
    // Gaps of 3, 4, 5 … minutes; the seventeenth is the one that still grows.
    const ends = Array.from({ length: HOLES_MAX + 1 }, (_, nth) => nth * 600)
    const page = pageWith(BEGIN_MS, 30)
    const steps = ends.flatMap((startS, nth) => series(startS, startS + 420 - nth * 10))
    run(page, steps, at(ends.length * 600))
    assert.equal(page.holesOf(WORKER).length, HOLES_MAX)
    assert.equal(page.lost.holes, 1)
    const [first] = page.holesOf(WORKER)
    assert.notDeepEqual(first, hole(420, 600), 'the first was the shortest')
    assert.equal(applyStep(page, seen(500, {}, ends.length * 600)), 'covered')
  })

  test('time before a worker was known brings its commissioned seconds along', () => {
    const page = pageWith(BEGIN_MS, 30)
    page.openBefore(WORKER, BEGIN_MS - 3_600_000)
    assert.deepEqual(page.holesOf(WORKER), [hole(-3_600, 0)])
    const before = [-600, -570, -540].map((afterS) => seen(afterS, {}, 10))
    const ran = run(
      page,
      [...before, { atMs: at(300), complete: { fromMs: at(-1_200), toMs: at(-900) } }],
      at(600),
    )
    const late = ran.cells.filter(({ cellMs }) => cellMs < BEGIN_MS)
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
