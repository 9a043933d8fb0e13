import { columnsOf, PAGE_WORKERS } from '../pages/layout.ts'
import type { Columns, Fields } from '../pages/layout.ts'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'

/** Some fields of a worker, each of them kept `places` times: once, or once for each place of a ring. */
export interface Part {
  readonly fields: Fields
  readonly places: number
}

/** The columns of a page for some parts. The value of worker `i` at place `p` stands at `i * places + p`. */
export type Memory<Parts extends Readonly<Record<string, Part>>> = {
  readonly [Name in keyof Parts]: Columns<Parts[Name]['fields']>
}

/** Empty memory for the workers of a page. */
export function memoryOf<const Parts extends Readonly<Record<string, Part>>>(parts: Parts): Memory<Parts> {
  const made = Object.entries(parts).map(([name, { fields, places }]) => [
    name,
    columnsOf(fields, PAGE_WORKERS * places),
  ])
  return Object.fromEntries(made) as Memory<Parts>
}

/** What stands at a place of a column, and 0 beyond its end. */
export function valueAt(column: { readonly [place: number]: number }, place: number): number {
  return column[place] ?? 0
}

/** r5 looks back over ten slots of 30 s, the newest sample's slot included: 4.5 to 5 minutes. */
export const RATE_SLOT_MS = 30 * SECOND_MS
export const RATE_SLOTS = 10
/** r10 is the mean of r5 over five slots of 2 minutes: 8 to 10 minutes. */
export const MEAN_SLOT_MS = 2 * MINUTE_MS
export const MEAN_SLOTS = 5
/** What the pool took and refused is judged over three slots of 10 minutes: 20 to 30 minutes. */
export const SHARE_SLOT_MS = 10 * MINUTE_MS
export const SHARE_SLOTS = 3
/** A rise of temperature is looked for over five slots of 3 minutes: 12 to 15 minutes. */
export const WARMTH_SLOT_MS = 3 * MINUTE_MS
export const WARMTH_SLOTS = 5

/** A temperature of the ring is kept as its tenths of a degree above this: a ring starts as zeros, which mean "none". */
export const WARMTH_ZERO_DECI_C = -1_000

/** Stands in a column of rates or counters for "not known". 0 is a measured 0. */
export const UNKNOWN = -1

/**
 * What the live plane remembers of a worker's current samples. Times in seconds are of observation time, and 0 where
 * there is none; `…Slot` is the number of the newest slot of a ring since the epoch.
 */
export const LIVE_PARTS = {
  live: {
    places: 1,
    fields: {
      /** Observation time of the last current sample; 0: there was none. */
      sampleMs: 'f64',
      /** When the mining process started, by the uptime that the machine tells. */
      startS: 'u32',
      /** When the machine began to hash again after it had stood, or was first seen, without telling its uptime. */
      resumedS: 'u32',
      rateSlot: 'u32',
      meanSlot: 'u32',
      shareSlot: 'u32',
      warmthSlot: 'u32',
      /** r5 at the last current sample; `UNKNOWN` where it is not known. */
      r5Hs: 'f64',
      /** The nominal rate that the device told last; 0: it told none. */
      deviceNominalHs: 'f64',
      /** Watts of the last current sample, and their source as a place in `POWER_SOURCES`; `none`: not reported. */
      powerW: 'u32',
      powerSource: 'u8',
      /** The counters of shares at the last sample that told them; `UNKNOWN` before it. */
      accepted: 'f64',
      refused: 'f64',
      difficulty: 'f64',
      /** Hashes that the machine reported since those counters; `UNKNOWN` where a part of that time is not known. */
      reportedHashes: 'f64',
    },
  },
  rates: { places: RATE_SLOTS, fields: { sumHs: 'f64', samples: 'u8' } },
  means: { places: MEAN_SLOTS, fields: { sumHs: 'f64', samples: 'u8' } },
  shares: {
    places: SHARE_SLOTS,
    fields: { difficulty: 'f64', reportedHashes: 'f64', accepted: 'u32', refused: 'u32', judged: 'u32' },
  },
  /** The lowest chip temperature of each slot, in tenths of a degree above `WARMTH_ZERO_DECI_C`; 0: none. */
  warmth: { places: WARMTH_SLOTS, fields: { lowest: 'u16' } },
} as const

export type LiveMemory = Memory<typeof LIVE_PARTS>

/**
 * How many slots of a ring are new when its newest slot moves from `from` to `to`: their old values must be cleared.
 * Observation times of current samples only grow, so a ring is never turned back.
 */
export function newSlots(from: number, to: number, places: number): number {
  return Math.min(Math.max(to - from, 0), places)
}
