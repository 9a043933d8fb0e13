import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { othersTurn } from '../../pipelines/in-turns.ts'
import { METRICS } from '../../schemas/metrics.ts'
import type { MetricDefinition } from '../../schemas/metric-definition.ts'
import type { MetricName, Metrics } from '../../schemas/metrics.ts'
import type { ServiceName } from '../../schemas/services.ts'

/** The metrics of one process and their text for Prometheus. */
export interface MetricsRegistry extends Metrics {
  readonly contentType: string
  /** All series in Prometheus' text format. */
  text(): Promise<string>
}

type Labels = Record<string, string | number>
type Held = Counter | Gauge | Histogram

/** All combinations of the known label values; none when the values of a label are not known in advance. */
function knownSeries(definition: MetricDefinition): Labels[] {
  let series: Labels[] = [{}]
  for (const label of definition.labels) {
    const values = definition.values?.[label] ?? []
    series = series.flatMap((labels) => values.map((value) => Object.assign({}, labels, { [label]: value })))
  }
  return series
}

function hold(registry: Registry, name: MetricName, definition: MetricDefinition): Held {
  const options = { name, help: definition.help, labelNames: [...definition.labels], registers: [registry] }
  if (definition.type === 'counter') {
    const counter = new Counter(options)
    for (const labels of knownSeries(definition)) counter.inc(labels, 0)
    return counter
  }
  if (definition.type === 'gauge') return new Gauge(options)
  const histogram = new Histogram({
    ...options,
    ...(definition.buckets && { buckets: [...definition.buckets] }),
  })
  for (const labels of knownSeries(definition)) histogram.zero(labels)
  return histogram
}

/** All series, metric by metric, so that other requests have their turns meanwhile. */
async function textOf(registry: Registry): Promise<string> {
  const texts: string[] = []
  for (const { name } of registry.getMetricsAsArray()) {
    texts.push(await registry.getSingleMetricAsString(name))
    await othersTurn()
  }
  return `${texts.join('\n\n')}\n`
}

/** A registry of its own (never prom-client's global one), with the process' default metrics beside the table's. */
export function createMetrics(service: ServiceName): MetricsRegistry {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry })
  const held = new Map<MetricName, Held>()

  // From its start a service exports the metrics whose row names it; shared code may count more.
  const metric = (name: MetricName): Held => {
    const known = held.get(name)
    if (known !== undefined) return known
    const made = hold(registry, name, METRICS[name])
    held.set(name, made)
    return made
  }
  for (const [name, definition] of Object.entries(METRICS) as [MetricName, MetricDefinition][]) {
    if (definition.services.includes(service)) metric(name)
  }

  return {
    contentType: registry.contentType,
    text: () => textOf(registry),
    count: (name, ...[labels, by]) => {
      ;(metric(name) as Counter).inc((labels ?? {}) as Labels, by ?? 1)
    },
    set: (name, labels, value) => {
      ;(metric(name) as Gauge).set(labels as Labels, value)
    },
    observe: (name, labels, value) => {
      ;(metric(name) as Histogram).observe(labels as Labels, value)
    },
  }
}
