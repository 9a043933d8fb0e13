import type { Band } from './buckets.ts'

/** Three numbers as they are answered: all of them null where too little is known. */
export interface BandBody {
  readonly min: number | null
  readonly mean: number | null
  readonly max: number | null
}

const TENTHS = 10
const NO_BAND: BandBody = { min: null, mean: null, max: null }

/** A band as it is answered. */
export function bandBody(band: Band<number> | null): BandBody {
  return band ?? NO_BAND
}

/** A band of tenths of a degree as it is answered, in degrees Celsius. */
export function inDegrees(tenths: Band<number> | null): BandBody {
  if (tenths === null) return NO_BAND
  return { min: tenths.min / TENTHS, mean: tenths.mean / TENTHS, max: tenths.max / TENTHS }
}
