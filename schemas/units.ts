/**
 * What one unit has of another, said once. `verify` and the checker of fault runs have theirs apart: they share nothing that
 * they check with.
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

/** Money in the log and in every sum. */
export const NANO_USD_PER_USD = 1_000_000_000n
/** Decimals of a nano: as many as a nano-USD needs. */
export const NANO_DECIMALS = 9
export const MICRO_SPARK_PER_SPARK = 1_000_000n
/** Milliwatt-hours. */
export const MWH_PER_KWH = 1_000_000n
/** A share in millionths: this is the whole. */
export const WHOLE_PPM = 1_000_000
