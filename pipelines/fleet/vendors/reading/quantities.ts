import { EXA, GIGA, KILO, MEGA, PETA, TERA } from '../../../../schemas/units.ts'
import { readNumberText } from './number-text.ts'
import type { Warnings } from './warnings.ts'

/** What a number of an answer measures: which units it may carry, and which of its values stand for no reading. */
interface Quantity {
  /** By the unit in lower case: how many base units it is. '' is a bare number. */
  readonly units: Readonly<Record<string, number>>
  /** A value that stands for "none" on some machine. */
  readonly isSentinel: (value: number) => boolean
  readonly mayBeNegative?: boolean
  readonly isWhole?: boolean
}

/** The largest values of 16, 31 and 32 bits, which stand for "unset", and −1. */
const isUnset = (value: number): boolean => [-1, 65_535, 2_147_483_647, 4_294_967_295].includes(value)
/** An uptime of 65,535 s is one. */
const isUnsetTime = (value: number): boolean => value !== 65_535 && isUnset(value)
/** A count that runs on passes these values some day. */
const isMinusOne = (value: number): boolean => value === -1
/** Absolute zero, the error of a sensor; no chip that still answers is as hot as 200 °C. */
const isNoTemperature = (value: number): boolean => value === -1 || value <= -273 || value >= 200

const QUANTITIES = {
  temperatureC: { units: { '': 1, c: 1, '°c': 1, '℃': 1 }, isSentinel: isNoTemperature, mayBeNegative: true },
  powerW: { units: { '': 1, w: 1, watt: 1, watts: 1, kw: KILO }, isSentinel: isUnset },
  energyWh: { units: { '': 1, wh: 1, kwh: KILO }, isSentinel: isMinusOne },
  voltageV: { units: { '': 1, v: 1, mv: 1 / KILO }, isSentinel: isUnset },
  currentA: { units: { '': 1, a: 1, ma: 1 / KILO }, isSentinel: isUnset },
  frequencyMhz: { units: { '': 1, mhz: 1, ghz: KILO, khz: 1 / KILO }, isSentinel: isUnset },
  fanRpm: { units: { '': 1, rpm: 1 }, isSentinel: isUnset },
  percent: { units: { '': 1, '%': 1 }, isSentinel: isUnset },
  seconds: { units: { '': 1, s: 1, sec: 1 }, isSentinel: isUnsetTime },
  /** How many there are now: chips, boards. */
  count: { units: { '': 1 }, isSentinel: isUnset, isWhole: true },
  /** How many there were since the start: shares, difficulty. Some machines shorten them: 524K. */
  counter: { units: { '': 1, k: KILO, m: MEGA, g: GIGA, t: TERA }, isSentinel: isMinusOne },
} as const satisfies Readonly<Record<string, Quantity>>

export type QuantityName = keyof typeof QUANTITIES

export interface QuantityOptions {
  /** How many of what is sent without a unit make one base unit: 1,000 for millivolts. */
  readonly per?: number
  /** True where this device shows 0 for "not measured", or "no limit". */
  readonly zeroIsNone?: boolean
}

/** A number of an answer, and the name that the adapter has for its place. */
export interface RawNumber {
  readonly raw: unknown
  readonly label: string
  readonly warnings: Warnings
}

/** The value in base units; null where it is missing, no number, or stands for "none". */
export function readQuantity(
  given: RawNumber,
  name: QuantityName,
  options: QuantityOptions = {},
): number | null {
  const quantity: Quantity = QUANTITIES[name]
  const number = readNumber(given)
  if (number === null) return null
  const { value, unit } = number
  const factor = Object.hasOwn(quantity.units, unit.toLowerCase())
    ? quantity.units[unit.toLowerCase()]
    : undefined
  if (factor === undefined || (quantity.isWhole === true && !Number.isInteger(value))) return null
  if (!isReading(given, value, quantity) || (value === 0 && options.zeroIsNone === true)) return null
  return inRange(unit === '' ? value / (options.per ?? 1) : value * factor, given.warnings)
}

/** Beyond 2^53 no double is exact, and nothing that a machine measures is so large. */
function inRange(value: number, warnings: Warnings): number | null {
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value
  warnings.note('out_of_range')
  return null
}

function isReading({ label, warnings }: RawNumber, value: number, quantity: Quantity): boolean {
  if (quantity.isSentinel(value)) warnings.note('sentinel_dropped', String(value))
  else if (value < 0 && quantity.mayBeNegative !== true) warnings.note('negative_dropped', label)
  else return true
  return false
}

const PREFIXES: Readonly<Record<string, number>> = {
  '': 1,
  k: KILO,
  m: MEGA,
  g: GIGA,
  t: TERA,
  p: PETA,
  e: EXA,
}
const RATE_UNIT = /^([kmgtpe]?)(?:h(?:ash(?:es)?)?|sol)?s?(?:\/s(?:ec)?)?$/i

/** Hashes per second in a unit of rates, in any of its forms: `GH`, `TH/s`, `khs`, `kSol/s`, `G`. Null for another text. */
export function rateUnit(text: string): number | null {
  const [, prefix] = RATE_UNIT.exec(text.trim()) ?? []
  return prefix === undefined || text.trim() === '' ? null : (PREFIXES[prefix.toLowerCase()] ?? null)
}

/** Whole H/s; a bare number is in `unitHs`, a unit that is written beside it holds instead. */
export function readRate(given: RawNumber, unitHs: number): number | null {
  const number = readNumber(given)
  if (number === null) return null
  const { label, warnings } = given
  const { value, unit } = number
  const factor = unit === '' ? unitHs : rateUnit(unit)
  if (factor === null) return null
  // A whole 65,535 may be a rate; the other values of "unset" are none in any unit.
  if (value !== 65_535 && isUnset(value)) warnings.note('sentinel_dropped', String(value))
  else if (value < 0) warnings.note('negative_dropped', label)
  else return inRange(Math.round(value * factor), warnings)
  return null
}

/** The number with its unit, whatever it measures, with the warnings that hold for each. */
export function readNumber({ raw, warnings }: RawNumber): { value: number; unit: string } | null {
  const read = typeof raw === 'string' ? readNumberText(raw) : ofNumber(raw)
  if (read === 'none') return null
  if (read === 'not_finite') warnings.count('not_finite_dropped')
  else if (read === 'unavailable') warnings.count('unavailable_dropped')
  else {
    if (read.isTrimmed) warnings.count('text_number_trimmed')
    return read
  }
  return null
}

/** JSON itself can hold 1e999, which a double cannot. */
function ofNumber(raw: unknown): ReturnType<typeof readNumberText> {
  if (typeof raw !== 'number') return 'none'
  return Number.isFinite(raw) ? { value: raw, unit: '', isTrimmed: false } : 'not_finite'
}
