/** A value at a time. */
export interface Sample {
  readonly atMs: number
  readonly value: number
}

/** How a value changes: the line of least squares, by the hour, and the mean that it goes through. */
export function slopeOf(samples: readonly Sample[]): { readonly perHour: number; readonly mean: number } {
  const meanMs = samples.reduce((sum, { atMs }) => sum + atMs, 0) / samples.length
  const mean = samples.reduce((sum, { value }) => sum + value, 0) / samples.length
  let together = 0
  let alone = 0
  for (const { atMs, value } of samples) {
    together += (atMs - meanMs) * (value - mean)
    alone += (atMs - meanMs) ** 2
  }
  return { perHour: (together / alone) * 3_600_000, mean }
}
