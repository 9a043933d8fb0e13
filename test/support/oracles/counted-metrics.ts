import type { Metrics } from '../../../schemas/metrics.ts'

/** Counters as a test reads them: by the name and the values of the labels, separated by spaces. */
export class CountedMetrics implements Metrics {
  readonly counts = new Map<string, number>()

  count(name: string, ...[labels = {}, by = 1]: readonly [labels?: object, by?: number]): void {
    const series = [name, ...Object.values(labels)].join(' ')
    this.counts.set(series, (this.counts.get(series) ?? 0) + by)
  }

  set(): void {}

  observe(): void {}

  /** The sum of all series whose names begin with this. */
  sumOf(begin: string): number {
    let sum = 0
    for (const [series, count] of this.counts) if (series.startsWith(begin)) sum += count
    return sum
  }
}
