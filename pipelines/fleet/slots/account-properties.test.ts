import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { AccountJudge, judged, totalSaid } from '../../../test/support/fleet/account/judge.ts'
import type { Judged } from '../../../test/support/fleet/account/judge.ts'
import { pageWith, RETIRED_MS, run, summed, total } from '../../../test/support/fleet/account/run.ts'
import type { Run, Step } from '../../../test/support/fleet/account/run.ts'
import {
  inOrder,
  lastOf,
  oneNode,
  seriesOf,
  START_MS,
  stepOf,
  stepsOf,
  twoNodes,
  withSpans,
} from '../../../test/support/fleet/account/scripts.ts'
import type { Polled, Series } from '../../../test/support/fleet/account/scripts.ts'
import type { CellDelta, Contributions } from './contributions.ts'
import { CELL_MS, LATE_MS_MAX, settleDelayMs, slotOf, SLOT_MS } from './slot.ts'

// What holds for every run of the account plane. A model that counts second by second is the judge.

const SEED = 20_260_301
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Log time at which everything has left: all holes are too old by then. */
const END_MS = RETIRED_MS + LATE_MS_MAX + HOUR_MS

/** Everything that settles in time has left by then. */
const soonAfter = (steps: readonly Step[]): number => lastOf(steps) + HOUR_MS

function judge(steps: readonly Step[], intervalS: number): AccountJudge {
  const judge = new AccountJudge(START_MS, intervalS)
  for (const step of steps) {
    judge.advance(step.atMs)
    if ('reading' in step) judge.reading(step.reading)
    else if ('poll' in step) judge.failedPoll(step.poll)
    else if ('complete' in step) judge.complete(step.complete.fromMs, step.complete.toMs)
  }
  judge.advance(lastOf(steps) + HOUR_MS)
  judge.end()
  return judge
}

const cellSums = ({ cells }: Run): Map<number, Judged> => summed(cells, ({ cellMs }) => cellMs / CELL_MS)

/** The sums up to a time, in order. */
function upTo<Sums>(sums: ReadonlyMap<number, Sums>, end: number): [number, Sums][] {
  return [...sums].filter(([key]) => key < end).toSorted(([one], [other]) => one - other)
}

/** Rows in an order that says nothing about when they left. */
function rowsOf({ cells, minutes }: Run): unknown[] {
  const textOf = (row: unknown): string =>
    JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  return [...cells, ...minutes].map(textOf).toSorted()
}

const settings = (numRuns: number): fc.Parameters<unknown> => ({ seed: SEED, numRuns })

describe('any run', () => {
  test('is what a model says that counts second by second', () => {
    fc.assert(
      fc.property(oneNode, (script) => {
        const { intervalS } = script.series
        const steps = withSpans(script)
        const ran = run(pageWith(START_MS, intervalS), steps, END_MS)
        const model = judge(steps, intervalS)
        const end = Math.floor(lastOf(steps) / CELL_MS)
        assert.deepEqual(ran.page.lost, { holes: 0, slots: 0 })
        assert.deepEqual(upTo(cellSums(ran), end), upTo(judged(model.seconds, 300), end))
      }),
      settings(200),
    )
  })

  test('has whole cells, one row a cell of what settled in time, the same minutes, and only ever adds', () => {
    const isGrowth = (value: unknown): boolean =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).every(([name, part]) => name.endsWith('Tenths') || isGrowth(part))
        : value === null || typeof value === 'boolean' || Number(value) >= 0
    fc.assert(
      fc.property(twoNodes, (script) => {
        const steps = withSpans(script)
        const ran = run(pageWith(START_MS, script.series.intervalS), steps, soonAfter(steps))
        const inTime = ran.cells.filter(({ isLate }) => !isLate)
        assert.equal(new Set(inTime.map(({ cellMs }) => cellMs)).size, inTime.length)
        const end = Math.floor(lastOf(steps) / CELL_MS)
        for (const [, { seconds, commissionedS }] of upTo(cellSums(ran), end).slice(1)) {
          assert.equal(commissionedS, 300)
          assert.ok(total(Object.values(seconds), (length) => length) <= 300)
        }
        const of = (sums: readonly Contributions[]): unknown => [...summed(sums, () => 0).values()]
        const isBefore = (atMs: number): boolean => atMs < end * CELL_MS
        assert.deepEqual(
          of(ran.minutes.filter(({ minuteMs }) => isBefore(minuteMs))),
          of(ran.cells.filter(({ cellMs }) => isBefore(cellMs))),
        )
        assert.ok(ran.cells.every(isGrowth))
      }),
      settings(100),
    )
  })

  test('a page that is written and read back at any point gives the same rows in the same order', () => {
    fc.assert(
      fc.property(twoNodes, fc.array(fc.nat(60), { maxLength: 6 }), (script, crashes) => {
        const steps = withSpans(script)
        const runWith = (at: ReadonlySet<number>): unknown => {
          const { cells, minutes, outcomes } = run(
            pageWith(START_MS, script.series.intervalS),
            steps,
            soonAfter(steps),
            at,
          )
          return { cells, minutes, outcomes }
        }
        assert.deepEqual(runWith(new Set(crashes)), runWith(new Set()))
      }),
      settings(100),
    )
  })

  test('repeats change outcomes only, and ticks change nothing', () => {
    const again = fc.array(fc.tuple(fc.nat(60), fc.nat(3 * HOUR_MS)), { maxLength: 10 })
    const ticks = fc.array(fc.nat(3 * HOUR_MS), { maxLength: 10 })
    fc.assert(
      fc.property(twoNodes, again, ticks, (script, repeats, at) => {
        const steps = withSpans(script)
        const repeated = repeats.flatMap(([which, laterMs]): Step[] => {
          const step = steps[which]
          return step === undefined || 'complete' in step ? [] : [{ ...step, atMs: step.atMs + laterMs }]
        })
        const ticked = at.map((afterMs): Step => ({ atMs: START_MS + afterMs, tick: true }))
        const page = (): ReturnType<typeof pageWith> => pageWith(START_MS, script.series.intervalS)
        const all = inOrder([...steps, ...repeated, ...ticked])
        const once = run(page(), steps, soonAfter(all))
        const more = run(page(), all, soonAfter(all))
        assert.deepEqual(rowsOf(more), rowsOf(once))
      }),
      settings(120),
    )
  })
})

describe('the order of samples', () => {
  const exact = (ran: Run): unknown => upTo(cellSums(ran), Number.POSITIVE_INFINITY)

  const settled = (script: Series): void => {
    const inTime = script.polls.map((polled) => stepOf(polled, polled.tMs))
    const page = (): ReturnType<typeof pageWith> => pageWith(START_MS, script.intervalS)
    const ran = run(page(), stepsOf(script), END_MS)
    assert.ok(ran.outcomes.every((outcome) => outcome === 'counted' || outcome === 'covered'))
    assert.deepEqual(exact(ran), exact(run(page(), inTime, END_MS)))
  }
  const intervals = [10, 30, 60, 90, 300]

  test('within D does not matter', () => {
    // Before its slot settles, however late in that time.
    const delay = (intervalS: number): fc.Arbitrary<number> => fc.nat(settleDelayMs(intervalS) - 1)
    const series = seriesOf({ intervals, jitterMs: 4_000, delay, results: ['reading', 'reading', 'missed'] })
    fc.assert(fc.property(series, settled), settings(80))
  })

  test('does not matter for failed polls either, if what bridges them comes before they settle', () => {
    const delay = (intervalS: number): fc.Arbitrary<number> =>
      fc.nat(settleDelayMs(intervalS) - 1_500 * intervalS - 1)
    const results = ['reading', 'timeout', 'unreadable', 'missed'] as const
    fc.assert(fc.property(seriesOf({ intervals, jitterMs: 4_000, delay, results }), settled), settings(80))
  })

  test('whole into a hole longer than 2.5 intervals gives the same as in time', () => {
    const series = seriesOf({
      intervals: [30, 60, 90, 300],
      jitterMs: 4_000,
      delay: () => fc.constant(0),
      results: ['reading', 'reading', 'reading', 'missed'],
    })
    fc.assert(
      fc.property(
        series,
        fc.nat(40),
        fc.integer({ min: 1, max: 30 }),
        fc.nat(3),
        (script, first, length, minutes) => {
          const { intervalS } = script
          const all = script.polls.filter(
            ({ tMs }, nth, polls) => slotOf(tMs) !== slotOf(polls[nth - 1]?.tMs ?? 0),
          )
          const before = all[first]
          const rest = all.slice(first + 1)
          // The first of them lies behind what the reading before the hole covers.
          const late = rest
            .filter(({ tMs }) => slotOf(tMs) * SLOT_MS >= (before?.tMs ?? 0) + intervalS * 1_000)
            .slice(0, length)
          const after = rest[rest.indexOf(late.at(-1) as (typeof rest)[number]) + 1]
          fc.pre(before !== undefined && late.length > 0 && after !== undefined)
          fc.pre(after.tMs - before.tMs > 2_500 * intervalS)
          const others = all.filter(({ tMs }) => tMs <= before.tMs || tMs >= after.tMs)
          const inTime = (polls: readonly Polled[]): Step[] =>
            polls.map((polled) => stepOf(polled, polled.tMs))
          const laterMs = START_MS + 51 * intervalS * 1_000 + 11 * MINUTE_MS
          // The last one comes in the minute of the one before it, or that would have been bridged to the right edge.
          const replayed = late.map((polled, nth) =>
            stepOf(polled, laterMs + Math.max(0, Math.min(nth, late.length - 2)) * minutes * MINUTE_MS),
          )
          const page = (): ReturnType<typeof pageWith> => pageWith(START_MS, intervalS)
          const ran = run(page(), [...inTime(others), ...replayed], END_MS)
          const wanted = run(
            page(),
            inTime([...others, ...late].toSorted((one, other) => one.tMs - other.tMs)),
            END_MS,
          )
          assert.ok(ran.outcomes.slice(others.length).every((outcome) => outcome === 'late'))
          assert.deepEqual(exact(ran), exact(wanted))
          assert.equal(accepted(ran.cells), accepted(wanted.cells))
        },
      ),
      settings(120),
    )
  })
})

const accepted = (cells: readonly CellDelta[]): number => total(cells, ({ shares }) => shares.accepted)

describe('counters', () => {
  test('the total is that of the readings that count, in the order of their times', () => {
    fc.assert(
      fc.property(oneNode, (script) => {
        const { intervalS } = script.series
        const steps = withSpans(script)
        const ran = run(pageWith(START_MS, intervalS), steps, END_MS)
        const { known } = judge(steps, intervalS)
        const wanted = totalSaid(known)
        assert.equal(accepted(ran.cells), wanted)
        assert.equal(
          total(ran.cells, ({ shares }) => shares.difficulty),
          wanted,
        )
      }),
      settings(120),
    )
  })

  test('a counter that is not always told is never counted twice', () => {
    fc.assert(
      fc.property(oneNode, fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }), (script, told) => {
        const { series } = script
        const polls = series.polls.map((polled, nth) => ({
          ...polled,
          uptimeS: null,
          accepted: told[nth] === true ? 1_000 + nth * 7 : null,
        }))
        const ran = run(
          pageWith(START_MS, series.intervalS),
          withSpans({ ...script, series: { ...series, polls } }),
          END_MS,
        )
        const values = polls
          .filter(({ result }) => result === 'reading')
          .flatMap(({ accepted }) => accepted ?? [])
        assert.ok(accepted(ran.cells) <= Math.max(0, ...values) - Math.min(...values, Math.max(0, ...values)))
      }),
      settings(200),
    )
  })
})
