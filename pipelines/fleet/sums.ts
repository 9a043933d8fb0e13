/** Sums and extremes over parts of a machine. A part that is not known is never taken for 0. */

/** Null where one of the values is unknown, or where there are none: what is missing is no 0. */
export function sumOfAll(values: readonly (number | null)[]): number | null {
  if (values.length === 0) return null
  return values.reduce((sum, value) => (sum === null || value === null ? null : sum + value), 0)
}

/** The largest of the values that are known; null where none is. */
export function largest(values: readonly (number | null)[]): number | null {
  return values.reduce(
    (most, value) => (most === null || (value !== null && value > most) ? value : most),
    null,
  )
}

/** The smallest of the values that are known; null where none is. */
export function smallest(values: readonly (number | null)[]): number | null {
  return values.reduce(
    (least, value) => (least === null || (value !== null && value < least) ? value : least),
    null,
  )
}
