/**
 * How many of one unit are in another, each defined once. `verify` and the checker of fault runs have their own: they share
 * nothing with the code that they check.
 */

export const SECOND_MS = 1_000
export const MINUTE_MS = 60 * SECOND_MS
export const QUARTER_HOUR_MS = 15 * MINUTE_MS
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS
export const DAY_S = 24 * 3_600

export const KIB = 1_024
export const MIB = 1_024 * KIB
export const GIB = 1_024 * MIB

/** The unit of money in the log and in every sum. */
export const NANO_USD_PER_USD = 1_000_000_000n
/** Decimals of a nano: as many as a nano-USD needs. */
export const NANO_DECIMALS = 9
export const MICRO_SPARK_PER_SPARK = 1_000_000n
/** Milliwatt-hours in a kilowatt-hour. */
export const MWH_PER_KWH = 1_000_000n
/** The whole, for a share in millionths. */
export const WHOLE_PPM = 1_000_000

/** Prefixes of the units that machines report in: kW, GH/s, MHz. */
export const KILO = 1_000
export const MEGA = 1_000 * KILO
export const GIGA = 1_000 * MEGA
export const TERA = 1_000 * GIGA
export const PETA = 1_000 * TERA
export const EXA = 1_000 * PETA
