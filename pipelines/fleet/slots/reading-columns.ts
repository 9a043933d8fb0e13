import { SECOND_MS } from '../../../schemas/units.ts'
import type { Columns } from '../pages/layout.ts'
import { JOULE_SOURCES, SECONDS, secondsOf, wattsOf } from './reading.ts'
import type { Reading } from './reading.ts'
import { reachEnd, SLOT_MS, SLOT_S } from './slot.ts'
import type { NumberFields } from './rows.ts'

/** A reading as a page keeps it: what its slots come to, and its counters. A row of zeros is no reading. */
export const READING = {
  slot: 'u32',
  offsetMs: 'u16',
  /** 0: there is no reading in this row. */
  intervalS: 'u16',
  isShadow: 'u8',
  /** An index of `SECONDS`. */
  seconds: 'u8',
  /** An index of `JOULE_SOURCES` + 1; 0 where there are no joules. */
  source: 'u8',
  rateHs: 'f64',
  /** Of one slot. */
  joules: 'u32',
  /** Tenths of a degree, from `COLDEST`; 0 is not reported. */
  chip: 'u16',
  board: 'u16',
  inlet: 'u16',
  /** When the mining process started, seconds since the epoch: observation time less uptime. */
  startedS: 'u32',
  accepted: 'u32',
  rejected: 'u32',
  stale: 'u32',
  difficulty: 'f64',
  /** Which of the counters are known: bits of `KNOWN`. */
  known: 'u8',
} as const satisfies NumberFields
export type Readings = Columns<typeof READING>

export const KNOWN = { started: 1, accepted: 2, rejected: 4, stale: 8, difficulty: 16 } as const

/** The temperature that would be stored as 0, in tenths of a degree: below what can be. */
export const COLDEST = -3_000
const TEMPERATURE_C_MAX = 1_000
const TEMPERATURE_C_MIN = -273

/** Two readings further apart than this many intervals have a gap between them. */
const BRIDGE_INTERVALS_MAX = 2.5

const RATE_HS_MAX = Number.MAX_SAFE_INTEGER
/** No worker takes more: a slot's joules stay far below 2^32. */
const POWER_W_MAX = 1_000_000
const U32_MAX = 2 ** 32 - 1

export function hasReading(readings: Readings, row: number): boolean {
  return readings.intervalS[row] !== 0
}

export function timeOf(readings: Readings, row: number): number {
  return (readings.slot[row] as number) * SLOT_MS + (readings.offsetMs[row] as number)
}

/** The first slot that the reading does not cover; 0 where there is none. */
export function reachOf(readings: Readings, row: number): number {
  if (!hasReading(readings, row)) return 0
  return reachEnd(
    readings.slot[row] as number,
    readings.offsetMs[row] as number,
    readings.intervalS[row] as number,
  )
}

/** Whether the time between two readings counts as the first one's. False where the first is missing. */
export function isBridge(from: Readings, row: number, to: Readings, toRow: number): boolean {
  const apartMs = timeOf(to, toRow) - timeOf(from, row)
  return apartMs <= BRIDGE_INTERVALS_MAX * (from.intervalS[row] as number) * SECOND_MS
}

/** Copies a reading, name by name, since this is done for each of them. */
export function copyReading(from: Readings, row: number, to: Readings, toRow: number): void {
  to.slot[toRow] = from.slot[row] as number
  to.offsetMs[toRow] = from.offsetMs[row] as number
  to.intervalS[toRow] = from.intervalS[row] as number
  to.isShadow[toRow] = from.isShadow[row] as number
  to.seconds[toRow] = from.seconds[row] as number
  to.source[toRow] = from.source[row] as number
  to.rateHs[toRow] = from.rateHs[row] as number
  to.joules[toRow] = from.joules[row] as number
  to.chip[toRow] = from.chip[row] as number
  to.board[toRow] = from.board[row] as number
  to.inlet[toRow] = from.inlet[row] as number
  to.startedS[toRow] = from.startedS[row] as number
  to.accepted[toRow] = from.accepted[row] as number
  to.rejected[toRow] = from.rejected[row] as number
  to.stale[toRow] = from.stale[row] as number
  to.difficulty[toRow] = from.difficulty[row] as number
  to.known[toRow] = from.known[row] as number
}

/** Writes a reading of `slot` into a row. */
export function writeReading(readings: Readings, row: number, slot: number, reading: Reading): void {
  const rateHs = within(reading.rateHs, 0, RATE_HS_MAX)
  const seen = { ...reading, rateHs, powerW: within(reading.powerW, 0, POWER_W_MAX) }
  const power = wattsOf(seen)
  readings.slot[row] = slot
  readings.offsetMs[row] = reading.tMs - slot * SLOT_MS
  readings.intervalS[row] = reading.intervalS
  readings.isShadow[row] = Number(reading.isShadow)
  readings.seconds[row] = SECONDS.indexOf(secondsOf(seen))
  readings.rateHs[row] = Math.round(rateHs ?? 0)
  readings.source[row] = power === null ? 0 : JOULE_SOURCES.indexOf(power.source) + 1
  readings.joules[row] = power === null ? 0 : Math.round(power.watts * SLOT_S)
  readings.chip[row] = storedTemperature(reading.chipMaxC)
  readings.board[row] = storedTemperature(reading.boardMaxC)
  readings.inlet[row] = storedTemperature(reading.inletC)
  writeCounters(readings, row, reading)
}

function writeCounters(readings: Readings, row: number, { tMs, counters }: Reading): void {
  const tS = Math.floor(tMs / SECOND_MS)
  const uptimeS = within(counters.uptimeS, 0, tS)
  const accepted = within(counters.accepted, 0, U32_MAX)
  const rejected = within(counters.rejected, 0, U32_MAX)
  const stale = within(counters.stale, 0, U32_MAX)
  const difficulty = within(counters.difficultyAccepted, 0, Number.MAX_SAFE_INTEGER)
  readings.startedS[row] = uptimeS === null ? 0 : tS - Math.floor(uptimeS)
  readings.accepted[row] = accepted ?? 0
  readings.rejected[row] = rejected ?? 0
  readings.stale[row] = stale ?? 0
  // Whole, so that sums are; the differences of a counter that is rounded down add up to its own.
  readings.difficulty[row] = Math.floor(difficulty ?? 0)
  readings.known[row] =
    (uptimeS === null ? 0 : KNOWN.started) |
    (accepted === null ? 0 : KNOWN.accepted) |
    (rejected === null ? 0 : KNOWN.rejected) |
    (stale === null ? 0 : KNOWN.stale) |
    (difficulty === null ? 0 : KNOWN.difficulty)
}

function storedTemperature(celsius: number | null): number {
  const seen = within(celsius, TEMPERATURE_C_MIN, TEMPERATURE_C_MAX)
  return seen === null ? 0 : Math.round(seen * 10) - COLDEST
}

function within(value: number | null, min: number, max: number): number | null {
  return value !== null && value >= min && value <= max ? value : null
}
