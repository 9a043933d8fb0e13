import { JOULE_SOURCES, SECONDS, TEMPERATURE_KINDS } from './reading.ts'
import type { JouleSource, SecondsKind, TemperatureKind } from './reading.ts'
import { COLDEST } from './reading-columns.ts'
import { SLOT_S } from './slot.ts'
import { joulesColumns, RATE_CARRY } from './sums.ts'
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

/** The sums in a row as they leave. */
export function contributionsOf(sums: SumColumns, row: number): Contributions {
  const value = (name: keyof SumColumns): number => sums[name][row] as number
  return {
    seconds: keyed(SECONDS, (kind) => value(kind) * SLOT_S),
    bridgedS: value('bridged') * SLOT_S,
    commissionedS: value('commissioned') * SLOT_S,
    hashes:
      (BigInt(value('rateCarry')) * BigInt(RATE_CARRY) + BigInt(value('rate'))) * BigInt(SLOT_S),
    joules: keyed(JOULE_SOURCES, (source) => {
      const [joules, slots] = joulesColumns(source)
      return { joules: value(joules), seconds: value(slots) * SLOT_S }
    }),
    meter: { joules: value('meterJ'), seconds: value('meterSlots') * SLOT_S },
    billedReadingJ: value('billedReadingJ'),
    billedMeterJ: value('billedMeterJ'),
    estimatedJ: value('estimatedJ'),
    temperatures: keyed(TEMPERATURE_KINDS, (kind) => temperatureOf(sums, row, kind)),
    shares: {
      accepted: value('accepted'),
      rejected: value('rejected'),
      stale: value('stale'),
      difficulty: value('difficulty'),
      acceptedAcrossGap: value('acceptedAcrossGap'),
      difficultyAcrossGap: value('difficultyAcrossGap'),
    },
    restarts: value('restarts'),
    unknownCounters: value('unknownCounters'),
  }
}

function temperatureOf(sums: SumColumns, row: number, kind: TemperatureKind): TemperatureSums | null {
  const slots = sums[`${kind}Slots`][row] as number
  if (slots === 0) return null
  return {
    slots,
    sumTenths: (sums[`${kind}Sum`][row] as number) + slots * COLDEST,
    minTenths: (sums[`${kind}Min`][row] as number) + COLDEST,
    maxTenths: (sums[`${kind}Max`][row] as number) + COLDEST,
  }
}

function keyed<Key extends string, Value>(
  keys: readonly Key[],
  valueOf: (key: Key) => Value,
): Record<Key, Value> {
  return Object.fromEntries(keys.map((key) => [key, valueOf(key)])) as Record<Key, Value>
}
