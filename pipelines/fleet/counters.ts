/** What the counters of one machine say over several samples. */

/** What was added since the sample before; null where that cannot be known. Never negative. */
export interface CounterDelta {
  /** Null for a sample that has none. */
  readonly event_id: string | null
  /** RFC 3339. */
  readonly observed_at: string
  readonly accepted: number | null
  readonly diff_accepted: number | null
  readonly energy_wh: number | null
  /** Why a delta is not the plain difference, for people. */
  readonly reason: string | null
}

/** Sums of the deltas that are known, null where none is; and how many samples were special. */
export interface CounterTotals {
  readonly accepted: number | null
  readonly diff_accepted: number | null
  readonly energy_wh: number | null
  readonly restarts: number
  readonly repeats: number
  readonly late: number
}

/** Deltas in the order of `observed_at`. */
export interface CounterSeries {
  readonly deltas: readonly CounterDelta[]
  readonly totals: CounterTotals
}
