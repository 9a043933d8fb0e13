import type { Sample } from '../../../../schemas/fleet/records.ts'
import { SENSORS, SOURCES, Sums } from './sums.ts'
import type { SecondKind, Sensor, Source } from './sums.ts'
import type { Plan } from './workforce.ts'

export const SLOT = 30
const RATE_MOST = 9_007_199_254_740_991
const WATTS_MOST = 1_000_000
const COLDEST_C = -273
const HOTTEST_C = 1_000

/** What a poll says of its time: how long it stands for it, and who asked. */
export interface Said {
  readonly t: number
  readonly intervalS: number
  readonly isShadow: boolean
}

/** A poll that failed. */
export interface Failure extends Said {
  readonly kind: 'unreachable' | 'unreadable'
}

/** A sample, and what a slot of it comes to. */
export interface Reading extends Said {
  readonly kind: SecondKind
  readonly rateHs: number
  readonly source: Source | null
  readonly joules: number
  readonly tenths: ReadonlyMap<Sensor, number>
}

/** What a sample says of its worker by the plan of its time. */
export function readingOf(sample: Sample, plan: Plan, said: Omit<Said, 't'>): Reading {
  const rate = between(sample.hashrate_hs.now ?? sample.hashrate_hs._5m, 0, RATE_MOST)
  const intended = intendedOf(plan, sample.hashrate_nominal_hs ?? 0)
  const isResting = sample.mode === 'sleep' || sample.is_mining === false
  const [source, watts] = wattsOf(sample, plan, rate, intended)
  const { chip_max, board_max, inlet } = sample.temp_c
  const tenths = new Map<Sensor, number>()
  for (const [sensor, celsius] of [
    ['chip', chip_max],
    ['board', board_max],
    ['inlet', inlet],
  ] as const) {
    const seen = between(celsius, COLDEST_C, HOTTEST_C)
    if (seen !== null) tenths.set(sensor, Math.round(seen * 10))
  }
  let kind: SecondKind = 'idle'
  if (rate !== null && rate > 0.1 * intended) kind = 'hashing'
  else if (isResting) kind = 'resting'
  else if (rate === null) kind = 'unreadable'
  return {
    ...said,
    t: sample.observed_at,
    kind,
    rateHs: Math.round(rate ?? 0),
    source,
    joules: Math.round(watts * SLOT),
    tenths,
  }
}

/** What a slot of a reading comes to. */
export function slotOf(reading: Reading, isBridged: boolean): Sums {
  const sums = new Sums()
  sums.add(`${reading.kind}_s`, SLOT)
  if (isBridged) sums.add('bridged_s', SLOT)
  sums.add('hashes', BigInt(reading.rateHs) * BigInt(SLOT))
  if (reading.source !== null) {
    sums.add(`${reading.source}_j`, reading.joules)
    sums.add(`${reading.source}_s`, SLOT)
    sums.add('billed_reading_j', reading.joules)
  }
  for (const sensor of SENSORS) {
    const tenths = reading.tenths.get(sensor)
    if (tenths !== undefined) sums.see(sensor, tenths)
  }
  return sums
}

/** 0 where nobody knows. */
function intendedOf({ profileHs, stickerHs, nominalPct: [least, most] }: Plan, nominal: number): number {
  if (profileHs !== null) return profileHs
  const sticker = stickerHs ?? 0
  if (nominal <= 0) return sticker
  const percent = nominal * 100
  return sticker === 0 || (percent >= least * sticker && percent <= most * sticker) ? nominal : sticker
}

function wattsOf(sample: Sample, plan: Plan, rate: number | null, intended: number): [Source | null, number] {
  const told = SOURCES.find((source) => source !== 'nameplate' && source === sample.power_source)
  const power = between(sample.power_w, 0, WATTS_MOST)
  const { boards_online: online, boards_expected: expected } = sample
  const isKnown = online !== null && expected !== null && expected > 0
  const part = isKnown ? Math.min(1, Math.max(0, online / expected)) : 1
  if (told !== undefined && power !== null) return [told, told === 'miner_estimate' ? power * part : power]
  if (plan.nameplateW === null || rate === null || intended <= 0) return [null, 0]
  return ['nameplate', plan.nameplateW * Math.min(1, rate / intended) * part]
}

function between(value: number | null, least: number, most: number): number | null {
  return value !== null && value >= least && value <= most ? value : null
}
