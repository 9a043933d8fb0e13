/*
 * Seconds after which a new attempt makes sense, by the obstacle. They are defined only here.
 */

/** Other requests, or a partition that takes nothing just now. */
export const RETRY_BUSY_S = 1
/** Something is being read from the log, or a server has just started. */
export const RETRY_LOADING_S = 2
/** ClickHouse. */
export const RETRY_HISTORY_AWAY_S = 5
/** A log that cannot be followed. */
export const RETRY_LOG_UNKNOWN_S = 10

/** The header of such an answer; whole seconds, at least 1. */
export function retryAfter(seconds: number): { readonly 'retry-after': string } {
  return { 'retry-after': String(Math.max(1, Math.ceil(seconds))) }
}
