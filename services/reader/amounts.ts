import { decimalNumber, decimalText } from '../../pipelines/decimal.ts'
import {
  HOUR_MS,
  MICRO_SPARK_PER_SPARK,
  MWH_PER_KWH,
  NANO_DECIMALS,
  NANO_USD_PER_USD,
} from '../../schemas/units.ts'

/** Integers as the documented fields show them: at most 4 decimals, half-even. The exact twin is next to each. */
const DECIMALS = 4

const MS_PER_HOUR = BigInt(HOUR_MS)

export function usdNumber(nanoUsd: bigint): number {
  return decimalNumber(nanoUsd, NANO_USD_PER_USD, DECIMALS)
}

/** Exact: nano-USD have nine decimals. */
export function usdText(nanoUsd: bigint): string {
  return decimalText(nanoUsd, NANO_USD_PER_USD, NANO_DECIMALS)
}

export function sparkNumber(microSpark: bigint): number {
  return decimalNumber(microSpark, MICRO_SPARK_PER_SPARK, DECIMALS)
}

export function hoursNumber(milliseconds: bigint): number {
  return decimalNumber(milliseconds, MS_PER_HOUR, DECIMALS)
}

export function kwhNumber(milliwattHours: bigint): number {
  return decimalNumber(milliwattHours, MWH_PER_KWH, DECIMALS)
}

/** A part of a whole, 0 to 1; null where the whole is zero. */
export function shareNumber(part: bigint, whole: bigint): number | null {
  return whole === 0n ? null : decimalNumber(part, whole, DECIMALS)
}
