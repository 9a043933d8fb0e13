import * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import type { GeneratedPoll } from './generators.ts'

/** What happened between two samples of a worker, 30 s apart or after a gap. */
interface Interval {
  readonly stepS: number
  /** Shares since the sample before, or since the restart. */
  readonly shares: number
  readonly energyWh: number
  readonly isRestart: boolean
  readonly isMeterReset: boolean
  /** The sample at its end says nothing of the pools. */
  readonly lacksPools: boolean
}

const START_MS = Date.UTC(2026, 4, 4)
const START_UPTIME_S = 5_000
const START_WH = 500_000
const DIFFICULTY = 1_024
const WRAP = 2 ** 32

const rarely = fc.nat(9).map((value) => value === 0)
const interval: fc.Arbitrary<Interval> = fc.record({
  stepS: fc.constant(30),
  shares: fc.nat(40),
  energyWh: fc.nat(60),
  isRestart: rarely,
  isMeterReset: rarely,
  lacksPools: rarely,
})

/** Samples of one worker: a counter of 32 bits that may wrap, restarts, a meter that may be reset, repeats, late samples. */
export const sequence: fc.Arbitrary<GeneratedPoll> = fc
  .record({
    start: fc.oneof(fc.nat(1_000), fc.integer({ min: WRAP - 300, max: WRAP - 1 })),
    intervals: fc.array(interval, { minLength: 4, maxLength: 12 }),
    gapS: fc.option(fc.integer({ min: 120, max: 9_000 }), { freq: 2 }),
    swapped: fc.option(fc.nat(3), { freq: 2 }),
    repeated: fc.option(fc.nat(3), { freq: 2 }),
  })
  .map(({ start, intervals, gapS, swapped, repeated }) => {
    const last = intervals.length - 1
    const told = intervals.map((one, index) => ({
      ...one,
      stepS: index === last && gapS !== null ? gapS : one.stepS,
      // A second restart within the slack of 30 s cannot be seen, nor can a second reset to a higher value.
      isRestart: one.isRestart && intervals[index - 1]?.isRestart !== true,
      isMeterReset: index === intervals.findIndex(({ isMeterReset }) => isMeterReset),
    }))
    const { samples, deltas } = lived(start, told)
    const arrived = swapped === null ? samples : swap(samples, swapped)
    const sent = repeated === null ? arrived : [...arrived, arrived[repeated]]
    const warnings = [
      ...(gapS === null ? [] : ['gap']),
      ...(told.some(({ isMeterReset }) => isMeterReset) ? ['meter_reset'] : []),
    ]
    const totals = {
      accepted: known(deltas.map(({ accepted }) => accepted)),
      diff_accepted: known(deltas.map(({ diff_accepted: diff }) => diff)),
      energy_wh: known(deltas.map(({ energy_wh: energy }) => energy)),
      restarts: told.filter(({ isRestart }) => isRestart).length,
      repeats: repeated === null ? 0 : 1,
      late: swapped === null ? 0 : 1,
    }
    return {
      document: {
        adapter: 'sequence',
        collected_at: '2026-05-04T03:02:01Z',
        context: {},
        answers: [{ request: 'samples', transport: 'none', body: sent }],
      },
      expected: { deltas, totals, warnings },
    }
  })

interface Delta {
  readonly event_id: string
  readonly accepted: number | null
  readonly diff_accepted: number | null
  readonly energy_wh: number | null
}

/** The samples of a life, and what each of them adds. What was counted before a restart and never sampled is lost. */
function lived(start: number, intervals: readonly Interval[]): { samples: JsonObject[]; deltas: Delta[] } {
  let atMs = START_MS
  let uptimeS = START_UPTIME_S
  let accepted = start
  let energyWh = START_WH
  let sharesUntold = 0
  const samples: JsonObject[] = [sampleOf(0, { atMs, uptimeS, accepted, energyWh, lacksPools: false })]
  const deltas: Delta[] = [{ event_id: 's0', accepted: null, diff_accepted: null, energy_wh: null }]
  for (const [index, one] of intervals.entries()) {
    atMs += one.stepS * 1_000
    uptimeS = one.isRestart ? Math.floor(one.stepS / 3) : uptimeS + one.stepS
    accepted = one.isRestart ? one.shares : accepted + one.shares
    sharesUntold = one.isRestart ? one.shares : sharesUntold + one.shares
    energyWh = one.isMeterReset ? one.energyWh : energyWh + one.energyWh
    const { lacksPools } = one
    samples.push(sampleOf(index + 1, { atMs, uptimeS, accepted, energyWh, lacksPools }))
    deltas.push({
      event_id: `s${index + 1}`,
      accepted: lacksPools ? null : sharesUntold,
      diff_accepted: lacksPools ? null : sharesUntold * DIFFICULTY,
      energy_wh: one.isMeterReset ? null : one.energyWh,
    })
    if (!lacksPools) sharesUntold = 0
  }
  return { samples, deltas }
}

interface Moment {
  readonly atMs: number
  readonly uptimeS: number
  readonly accepted: number
  readonly energyWh: number
  readonly lacksPools: boolean
}

/** The count of shares has 32 bits; that of difficulty has more. */
function sampleOf(index: number, { atMs, uptimeS, accepted, energyWh, lacksPools }: Moment): JsonObject {
  return {
    event_id: `s${index}`,
    observed_at: new Date(atMs).toISOString(),
    uptime_s: uptimeS,
    accepted: lacksPools ? null : accepted % WRAP,
    diff_accepted: lacksPools ? null : accepted * DIFFICULTY,
    energy_wh_total: energyWh,
  }
}

/** The samples with one of them after its successor. */
function swap(samples: readonly JsonObject[], at: number): JsonObject[] {
  const [left, right] = [samples[at] as JsonObject, samples[at + 1] as JsonObject]
  return samples.with(at, right).with(at + 1, left)
}

function known(values: readonly (number | null)[]): number | null {
  const there = values.filter((value) => value !== null)
  return there.length === 0 ? null : there.reduce((sum, value) => sum + value, 0)
}
