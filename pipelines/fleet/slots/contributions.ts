import type { JouleSource, SecondsKind, TemperatureKind } from './reading.ts'
import { COLDEST } from './reading-columns.ts'
import { SLOT_S } from './slot.ts'
import type { NumberColumn } from './rows.ts'
import { RATE_CARRY } from './sums.ts'
import type { SumColumns } from './sums.ts'

/** Of the slots that have a temperature; tenths of a degree Celsius. */
export interface TemperatureSums {
  readonly slots: number
  readonly sumTenths: number
  readonly minTenths: number
  readonly maxTenths: number
}

export interface JouleSums {
  readonly joules: number
  readonly seconds: number
}

const CARRY = BigInt(RATE_CARRY)

/**
 * What some slots add to the rows: whole numbers, never negative but for temperatures and for `estimatedJ`. Rows are sums
 * of contributions in any order; the smallest and largest of temperatures are the smallest and largest of theirs.
 */
export interface Contributions {
  readonly seconds: Readonly<Record<SecondsKind, number>>
  /** Of `seconds`. */
  readonly bridgedS: number
  /** What `seconds` would be if nothing were missing. The difference is none. */
  readonly commissionedS: number
  /** Sum of rate × seconds. */
  readonly hashes: bigint
  /** The reading track. */
  readonly joules: Readonly<Record<JouleSource, JouleSums>>
  readonly meter: JouleSums
  /** Which of the two tracks is billed, by slot. */
  readonly billedReadingJ: number
  readonly billedMeterJ: number
  /** The one thing that may be taken back. */
  readonly estimatedJ: number
  readonly temperatures: Readonly<Record<TemperatureKind, TemperatureSums | null>>
  readonly shares: {
    readonly accepted: number
    readonly rejected: number
    readonly stale: number
    readonly difficulty: number
    readonly acceptedAcrossGap: number
    readonly difficultyAcrossGap: number
  }
  readonly restarts: number
  readonly unknownCounters: number
}

/** A row of `fleet_5m` to be added to the worker's cell: one for what settled in time, others for what came late. */
export interface CellDelta extends Contributions {
  /** The worker's place in the page. */
  readonly worker: number
  readonly cellMs: number
  readonly isLate: boolean
}

/** What settled or was filled since the full minute before, of the workers of one group and one page. */
export interface MinuteSums extends Contributions {
  readonly group: number
  readonly minuteMs: number
}

/** Rows that have left a page. */
export interface Leaving {
  readonly cells: readonly CellDelta[]
  readonly minutes: readonly MinuteSums[]
}

/** The sums in a row as they leave. Written out, since every row of a cell and a minute comes through here. */
export function contributionsOf(sums: SumColumns, row: number): Contributions {
  return {
    seconds: {
      hashing: (sums.hashing[row] as number) * SLOT_S,
      idle: (sums.idle[row] as number) * SLOT_S,
      resting: (sums.resting[row] as number) * SLOT_S,
      unreachable: (sums.unreachable[row] as number) * SLOT_S,
      unheard: (sums.unheard[row] as number) * SLOT_S,
      unreadable: (sums.unreadable[row] as number) * SLOT_S,
    },
    bridgedS: (sums.bridged[row] as number) * SLOT_S,
    commissionedS: (sums.commissioned[row] as number) * SLOT_S,
    hashes:
      (BigInt(sums.rateCarry[row] as number) * CARRY + BigInt(sums.rate[row] as number)) * BigInt(SLOT_S),
    joules: {
      miner_psu: joulesOf(sums.psuJ, sums.psuSlots, row),
      miner: joulesOf(sums.minerJ, sums.minerSlots, row),
      miner_estimate: joulesOf(sums.estimateJ, sums.estimateSlots, row),
      gpu_sum: joulesOf(sums.gpuJ, sums.gpuSlots, row),
      nameplate: joulesOf(sums.nameplateJ, sums.nameplateSlots, row),
    },
    meter: joulesOf(sums.meterJ, sums.meterSlots, row),
    billedReadingJ: sums.billedReadingJ[row] as number,
    billedMeterJ: sums.billedMeterJ[row] as number,
    estimatedJ: sums.estimatedJ[row] as number,
    temperatures: {
      chip: temperatureOf(sums.chipSlots, sums.chipSum, sums.chipMin, sums.chipMax, row),
      board: temperatureOf(sums.boardSlots, sums.boardSum, sums.boardMin, sums.boardMax, row),
      inlet: temperatureOf(sums.inletSlots, sums.inletSum, sums.inletMin, sums.inletMax, row),
    },
    shares: {
      accepted: sums.accepted[row] as number,
      rejected: sums.rejected[row] as number,
      stale: sums.stale[row] as number,
      difficulty: sums.difficulty[row] as number,
      acceptedAcrossGap: sums.acceptedAcrossGap[row] as number,
      difficultyAcrossGap: sums.difficultyAcrossGap[row] as number,
    },
    restarts: sums.restarts[row] as number,
    unknownCounters: sums.unknownCounters[row] as number,
  }
}

function joulesOf(joules: NumberColumn, slots: NumberColumn, row: number): JouleSums {
  return { joules: joules[row] as number, seconds: (slots[row] as number) * SLOT_S }
}

function temperatureOf(
  slots: NumberColumn,
  sum: NumberColumn,
  min: NumberColumn,
  max: NumberColumn,
  row: number,
): TemperatureSums | null {
  const of = slots[row] as number
  if (of === 0) return null
  return {
    slots: of,
    sumTenths: (sum[row] as number) + of * COLDEST,
    minTenths: (min[row] as number) + COLDEST,
    maxTenths: (max[row] as number) + COLDEST,
  }
}
