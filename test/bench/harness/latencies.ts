/** Durations in milliseconds. */
export interface LatencySummary {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** The highest percentile, 99 at most, that at least `AT_OR_ABOVE_MIN` values reach: of fewer values it is chance. */
  readonly high: { readonly percentile: number; readonly ms: number }
}

const AT_OR_ABOVE_MIN = 10

/** Summarises latencies: a percentile is the smallest value that this share does not exceed. */
export function summarize(latenciesMs: readonly number[]): LatencySummary {
  const sorted = latenciesMs.toSorted((left, right) => left - right)
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN
  const percentile = Math.min(99, Math.max(50, Math.floor(100 - (100 * AT_OR_ABOVE_MIN) / sorted.length)))
  const high = { percentile, ms: at(percentile / 100) }
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), high }
}
