import { decimalNumber, decimalText } from '../../pipelines/decimal.ts'

/** Integers as the documented fields show them: at most 4 decimals, half-even. The exact twin stands beside each. */
const DECIMALS = 4

const NANO_PER_USD = 1_000_000_000n
const MICRO_PER_SPARK = 1_000_000n
const MS_PER_HOUR = 3_600_000n
const MWH_PER_KWH = 1_000_000n

export function usdNumber(nanoUsd: bigint): number {
  return decimalNumber(nanoUsd, NANO_PER_USD, DECIMALS)
}

/** Exact: nano-USD have nine decimals. */
export function usdText(nanoUsd: bigint): string {
  return decimalText(nanoUsd, NANO_PER_USD, 9)
}

export function sparkNumber(microSpark: bigint): number {
  return decimalNumber(microSpark, MICRO_PER_SPARK, DECIMALS)
}

export function hoursNumber(milliseconds: bigint): number {
  return decimalNumber(milliseconds, MS_PER_HOUR, DECIMALS)
}

export function kwhNumber(milliwattHours: bigint): number {
  return decimalNumber(milliwattHours, MWH_PER_KWH, DECIMALS)
}

/** A part of a whole, 0 to 1; null where the whole is nothing. */
export function shareNumber(part: bigint, whole: bigint): number | null {
  return whole === 0n ? null : decimalNumber(part, whole, DECIMALS)
}
