import * as fc from 'fast-check'
import type { Reading } from '../../../../pipelines/fleet/slots/reading.ts'
import type { Step } from './run.ts'

// Random runs of the account plane.

export const START_MS = Date.UTC(2026, 4, 6, 7, 58)
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** One poll of the worker, and what it said. */
export interface Polled {
  readonly tMs: number
  readonly intervalS: number
  readonly isShadow: boolean
  readonly result: 'reading' | 'timeout' | 'unreadable'
  readonly rate: number
  readonly watts: number
  readonly uptimeS: number | null
  readonly accepted: number | null
}

const reading = ({ tMs, intervalS, isShadow, rate, watts, uptimeS, accepted }: Polled): Reading => ({
  tMs,
  intervalS,
  isShadow,
  rateHs: rate === 9 ? null : rate * 11_000_000_000_001,
  intendedHs: 90_000_000_000_000,
  isMining: rate !== 0,
  powerW: watts === 0 ? null : 700 * watts + 0.3,
  powerSource: watts === 0 ? null : watts < 4 ? 'miner' : 'miner_psu',
  nameplateW: 3_300,
  boardsOnline: 3,
  boardsExpected: 3,
  chipMaxC: rate === 0 ? null : 50 + rate,
  boardMaxC: 40.1,
  inletC: -4.5,
  counters: { uptimeS, accepted, rejected: 2, stale: null, difficultyAccepted: accepted },
})

/** The poll as it comes at a log time. */
export const stepOf = (polled: Polled, atMs: number): Step =>
  polled.result === 'reading'
    ? { atMs, reading: reading(polled) }
    : {
        atMs,
        poll: {
          tMs: polled.tMs,
          intervalS: polled.intervalS,
          isShadow: polled.isShadow,
          seconds: polled.result === 'timeout' ? 'unreachable' : 'unreadable',
        },
      }

/** Steps in the order of log time, which is the order of the log. */
export const inOrder = (steps: readonly Step[]): Step[] =>
  steps.toSorted((one, other) => one.atMs - other.atMs)

export interface Series {
  readonly intervalS: number
  readonly polls: readonly (Polled & { readonly delayMs: number })[]
}

/** A worker's polls, each with how long it took to the log. `jitterMs`: how irregular they are. */
export function seriesOf(options: {
  readonly intervals: readonly number[]
  readonly jitterMs: number
  readonly delay: (intervalS: number) => fc.Arbitrary<number>
  readonly results: readonly (Polled['result'] | 'missed')[]
  /** Whether another node sends some of them. */
  readonly isShared?: boolean
}): fc.Arbitrary<Series> {
  return fc.constantFrom(...options.intervals).chain((intervalS) => {
    const poll = fc.record({
      jitterMs: fc.integer({ min: -options.jitterMs, max: options.jitterMs }),
      result: fc.constantFrom(...options.results),
      rate: fc.nat(9),
      watts: fc.nat(6),
      isRestart: fc.nat(9).map((chance) => chance === 0),
      shares: fc.nat(40),
      isShadow: options.isShared === true ? fc.boolean() : fc.constant(false),
      delayMs: options.delay(intervalS),
    })
    return fc
      .record({
        phaseMs: fc.integer({ min: options.jitterMs, max: intervalS * 1_000 }),
        polls: fc.array(poll, { minLength: 2, maxLength: 50 }),
      })
      .map(({ phaseMs, polls }) => {
        let startedMs = START_MS - 500_000
        let accepted = 17
        const series = polls.map(
          ({ result, jitterMs, rate, watts, isRestart, shares, isShadow, delayMs }, nth) => {
            const tMs = START_MS + phaseMs + nth * intervalS * 1_000 + jitterMs
            // Two starts closer than that cannot be told apart by the uptime.
            if (isRestart && tMs - startedMs > MINUTE_MS) {
              startedMs = tMs - 1_000
              accepted = 0
            }
            accepted += shares
            const uptimeS = Math.floor(tMs / 1_000) - Math.floor(startedMs / 1_000)
            return { tMs, intervalS, isShadow, result, rate, watts, uptimeS, accepted, delayMs }
          },
        )
        return {
          intervalS,
          polls: series.filter((one): one is typeof one & Polled => one.result !== 'missed'),
        }
      })
  })
}

const anyDelay = (): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.nat(20_000) },
    { weight: 1, arbitrary: fc.nat(8 * MINUTE_MS) },
    { weight: 1, arbitrary: fc.nat(2 * HOUR_MS) },
  )

const anySeries = (isShared: boolean): fc.Arbitrary<Series> =>
  seriesOf({
    intervals: [10, 30, 60, 90, 300],
    jitterMs: 4_000,
    delay: anyDelay,
    results: ['reading', 'reading', 'reading', 'timeout', 'unreadable', 'missed', 'missed'],
    isShared,
  })

export const stepsOf = ({ polls }: Series): Step[] =>
  inOrder(polls.map((polled) => stepOf(polled, polled.tMs + polled.delayMs)))

export interface Script {
  readonly series: Series
  /** From, length and delay of what a node says to be complete, minutes. */
  readonly spans: readonly (readonly [number, number, number])[]
}

const scriptOf = (isShared: boolean): fc.Arbitrary<Script> =>
  fc.record({
    series: anySeries(isShared),
    spans: fc.array(fc.tuple(fc.nat(90), fc.nat(30), fc.nat(60)), { maxLength: 3 }),
  })

/** Of one node, which is what the model knows; and of two. */
export const oneNode = scriptOf(false)
export const twoNodes = scriptOf(true)

/** With some spans of which the node says that it holds nothing back. */
export function withSpans({ series, spans }: Script): Step[] {
  const complete = spans.map(([from, length, delay]): Step => {
    const fromMs = START_MS + from * MINUTE_MS + 13_000
    const toMs = fromMs + length * MINUTE_MS
    return { atMs: toMs + delay * MINUTE_MS, complete: { fromMs, toMs } }
  })
  return inOrder([...stepsOf(series), ...complete])
}

export const lastOf = (steps: readonly Step[]): number => Math.max(START_MS, ...steps.map(({ atMs }) => atMs))
