import { JOULE_SOURCES } from './reading.ts'
import type { JouleSource, SecondsKind } from './reading.ts'
import { SECONDS } from './reading.ts'
import type { Readings } from './reading-columns.ts'
import type { CounterDeltas } from './counters.ts'
import { add } from './rows.ts'
import type { NumberColumn, NumberFields } from './rows.ts'

/**
 * Sums of the slots of one worker in one cell: at most ten, so counts of slots fit a byte. Counts are of slots, joules are
 * whole, and everything is only ever added to, but the smallest and largest temperatures.
 */
export const CELL = {
  hashing: 'u8',
  idle: 'u8',
  resting: 'u8',
  unreachable: 'u8',
  unheard: 'u8',
  unreadable: 'u8',
  /** Of these. */
  bridged: 'u8',
  commissioned: 'u8',
  /** Sum of the rates of all slots, below `RATE_CARRY`, and units of that. */
  rate: 'f64',
  rateCarry: 'u8',
  psuJ: 'u32',
  psuSlots: 'u8',
  minerJ: 'u32',
  minerSlots: 'u8',
  estimateJ: 'u32',
  estimateSlots: 'u8',
  gpuJ: 'u32',
  gpuSlots: 'u8',
  nameplateJ: 'u32',
  nameplateSlots: 'u8',
  /** The meter track: empty until there are meters. */
  meterJ: 'u32',
  meterSlots: 'u8',
  billedReadingJ: 'u32',
  billedMeterJ: 'u32',
  /** By a contract's policy: empty until there are contracts. */
  estimatedJ: 'i32',
  chipSlots: 'u8',
  chipSum: 'u32',
  chipMin: 'u16',
  chipMax: 'u16',
  boardSlots: 'u8',
  boardSum: 'u32',
  boardMin: 'u16',
  boardMax: 'u16',
  inletSlots: 'u8',
  inletSum: 'u32',
  inletMin: 'u16',
  inletMax: 'u16',
  accepted: 'f64',
  rejected: 'f64',
  stale: 'f64',
  difficulty: 'f64',
  /** Of these: what was counted across a gap, and stands at its right edge. */
  acceptedAcrossGap: 'f64',
  difficultyAcrossGap: 'f64',
  restarts: 'u8',
  unknownCounters: 'u8',
} as const satisfies NumberFields

export type SumName = keyof typeof CELL
export type SumColumns = { readonly [Name in SumName]: NumberColumn }

/** The same sums over the workers of a page, who are many. */
export const MINUTE: Readonly<Record<SumName, 'f64'>> = wide(CELL)

function wide<Name extends string>(fields: Readonly<Record<Name, unknown>>): Record<Name, 'f64'> {
  return Object.fromEntries(Object.keys(fields).map((name) => [name, 'f64'])) as Record<Name, 'f64'>
}

/** Sums of rates are kept below this, so that adding the part of a rate that is below it, too, is exact. */
export const RATE_CARRY = 2 ** 50

/** Columns of the joules of a source. */
const JOULES_OF = {
  miner_psu: ['psuJ', 'psuSlots'],
  miner: ['minerJ', 'minerSlots'],
  miner_estimate: ['estimateJ', 'estimateSlots'],
  gpu_sum: ['gpuJ', 'gpuSlots'],
  nameplate: ['nameplateJ', 'nameplateSlots'],
} as const satisfies Record<JouleSource, readonly [SumName, SumName]>

/** Adds one slot of a reading. */
export function addReading(
  sums: SumColumns,
  row: number,
  readings: Readings,
  from: number,
  isBridged: boolean,
): void {
  const seconds = SECONDS[readings.seconds[from] as number] as SecondsKind
  add(sums[seconds], row, 1)
  if (isBridged) add(sums.bridged, row, 1)
  addRate(sums, row, readings.rateHs[from] as number)
  const source = JOULE_SOURCES[(readings.source[from] as number) - 1]
  if (source !== undefined) {
    const [joules, slots] = JOULES_OF[source]
    const slotJ = readings.joules[from] as number
    add(sums[joules], row, slotJ)
    add(sums[slots], row, 1)
    // There is no meter that could be billed in its place.
    add(sums.billedReadingJ, row, slotJ)
  }
  addTemperatures(sums, row, readings, from)
}

function addRate(sums: SumColumns, row: number, rateHs: number): void {
  const units = Math.floor(rateHs / RATE_CARRY)
  const sum = (sums.rate[row] as number) + (rateHs - units * RATE_CARRY)
  const carried = sum >= RATE_CARRY ? 1 : 0
  sums.rate[row] = sum - carried * RATE_CARRY
  if (units + carried > 0) add(sums.rateCarry, row, units + carried)
}

function addTemperatures(sums: SumColumns, row: number, readings: Readings, from: number): void {
  const chip = readings.chip[from] as number
  const board = readings.board[from] as number
  const inlet = readings.inlet[from] as number
  if (chip > 0) addTemperature(sums.chipSlots, sums.chipSum, sums.chipMin, sums.chipMax, row, chip)
  if (board > 0) addTemperature(sums.boardSlots, sums.boardSum, sums.boardMin, sums.boardMax, row, board)
  if (inlet > 0) addTemperature(sums.inletSlots, sums.inletSum, sums.inletMin, sums.inletMax, row, inlet)
}

/** Sums are of what is stored, from `COLDEST`: positive, and turned into degrees when they leave. */
function addTemperature(
  slots: NumberColumn,
  sum: NumberColumn,
  min: NumberColumn,
  max: NumberColumn,
  row: number,
  stored: number,
): void {
  const least = min[row] as number
  add(slots, row, 1)
  add(sum, row, stored)
  if (least === 0 || stored < least) min[row] = stored
  if (stored > (max[row] as number)) max[row] = stored
}

/** Adds what the counters of one reading add. */
export function addCounters(
  sums: SumColumns,
  row: number,
  deltas: CounterDeltas,
  isAcrossGap: boolean,
): void {
  add(sums.accepted, row, deltas.accepted)
  add(sums.rejected, row, deltas.rejected)
  add(sums.stale, row, deltas.stale)
  add(sums.difficulty, row, deltas.difficulty)
  add(sums.restarts, row, deltas.restarts)
  add(sums.unknownCounters, row, deltas.unknown)
  if (!isAcrossGap) return
  add(sums.acceptedAcrossGap, row, deltas.accepted)
  add(sums.difficultyAcrossGap, row, deltas.difficulty)
}
