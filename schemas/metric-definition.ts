import type { ServiceName } from './services.ts'

/**
 * One metric as data. Names follow Prometheus: base units, `_total` on counters.
 * `labels` are bounded (never a node, an operator or an id); `values` lists a label's values where they are known, and
 * a counter whose labels are all known is exported as 0 from the start by the services in `services`.
 * Every series also carries `service`, which the registry adds.
 */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
  readonly services: readonly ServiceName[]
  readonly values?: Readonly<Record<string, readonly string[]>>
  readonly buckets?: readonly number[]
}
