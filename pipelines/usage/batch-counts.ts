import type { Metrics } from '../../schemas/metrics.ts'
import type { DeadLetter } from '../blocks/dead-letter.ts'

/** The result of a batch for the metrics; added to them when its transaction is committed. */
export interface UsageCounts {
  records: number
  /** Events of the records that could be decoded, including refused ones and repeats. */
  events: number
  counted: number
  late: number
  /** Events that were sent on to their partitions. */
  forwarded: number
  repeatsInMemory: number
  repeatsInClickhouse: number
  /** Events under an id that was already used for another content. */
  conflicts: number
}

/** The counts of a batch that has not taken any record yet. */
export function nothingCounted(): UsageCounts {
  return {
    records: 0,
    events: 0,
    counted: 0,
    late: 0,
    forwarded: 0,
    repeatsInMemory: 0,
    repeatsInClickhouse: 0,
    conflicts: 0,
  }
}

/** Adds a batch whose transaction is committed to the metrics. */
export function countBatch(metrics: Metrics, counts: UsageCounts, dead: readonly DeadLetter[]): void {
  metrics.count('hivemeter_usage_records_total', {}, counts.records)
  metrics.count('hivemeter_events_counted_total', {}, counts.counted)
  metrics.count('hivemeter_events_late_total', {}, counts.late)
  metrics.count('hivemeter_events_forwarded_total', {}, counts.forwarded)
  metrics.count('hivemeter_events_repeated_total', { where: 'memory' }, counts.repeatsInMemory)
  metrics.count('hivemeter_events_repeated_total', { where: 'clickhouse' }, counts.repeatsInClickhouse)
  metrics.count('hivemeter_anomalies_total', { kind: 'conflicting' }, counts.conflicts)
  for (const { problems } of dead) {
    metrics.count('hivemeter_dead_letters_total', { reason: problems[0]?.code ?? 'malformed' })
  }
}
