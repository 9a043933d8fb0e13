/** A figure at a time. */
export interface Sample {
  readonly atMs: number
  readonly value: number
}

/** How a figure moves over its last half: the straight line of least squares, an hour, and the mean that it goes through. */
export function slopeOfLastHalf(samples: readonly Sample[]): {
  readonly perHour: number
  readonly mean: number
} {
  const half = samples.slice(Math.floor(samples.length / 2))
  const meanMs = half.reduce((sum, { atMs }) => sum + atMs, 0) / half.length
  const mean = half.reduce((sum, { value }) => sum + value, 0) / half.length
  let together = 0
  let alone = 0
  for (const { atMs, value } of half) {
    together += (atMs - meanMs) * (value - mean)
    alone += (atMs - meanMs) ** 2
  }
  return { perHour: (together / alone) * 3_600_000, mean }
}
