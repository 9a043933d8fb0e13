import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { METRICS } from '../../schemas/metrics.ts'
import type { MetricDefinition } from '../../schemas/metric-definition.ts'
import { createMetrics } from './metrics.ts'

const UNITS = /_(total|seconds|bytes|records|ratio)$/
const UNBOUNDED = /node|operator|event|wallet|account_id|id$/

describe('metrics', () => {
  it('follow the naming rules of Prometheus', () => {
    for (const [name, row] of Object.entries(METRICS) as [string, MetricDefinition][]) {
      assert.match(name, /^hivemeter_[a-z][a-z0-9_]*$/)
      assert.equal(name.endsWith('_total'), row.type === 'counter', `${name}: only counters end in _total`)
      if (row.type === 'histogram') assert.match(name, UNITS)
      assert.match(row.help, /\.$/, `${name}: its help is a sentence`)
      for (const label of row.labels)
        assert.doesNotMatch(label, UNBOUNDED, `${name}: unbounded label ${label}`)
      for (const label of Object.keys(row.values ?? {})) assert(row.labels.includes(label))
    }
  })

  it('export known series as 0 from the start, in the services they belong to', async () => {
    const text = await createMetrics('aggregator').text()
    assert.match(text, /^hivemeter_events_counted_total\{service="aggregator"\} 0$/m)
    for (const where of ['memory', 'clickhouse']) {
      assert(text.includes(`hivemeter_events_repeated_total{where="${where}",service="aggregator"} 0\n`))
    }
    assert(text.includes('hivemeter_anomalies_total{kind="conflicting",service="aggregator"} 0\n'))
    assert.doesNotMatch(text, /hivemeter_loader_groups_total/)
    assert.match(text, /^process_cpu_seconds_total/m)
  })

  it('count, set and observe, each registry for itself', async () => {
    const metrics = createMetrics('loader')
    metrics.count('hivemeter_loader_groups_total')
    metrics.count('hivemeter_loader_groups_total', {}, 2)
    metrics.set('hivemeter_consumer_lag_records', { topic: 'usage.blocks', partition: 3 }, 17)
    metrics.observe('hivemeter_clickhouse_insert_duration_seconds', { table: 'usage_1m' }, 0.02)
    const text = await metrics.text()
    assert.match(text, /^hivemeter_loader_groups_total\{service="loader"\} 3$/m)
    assert.match(
      text,
      /^hivemeter_consumer_lag_records\{topic="usage.blocks",partition="3",service="loader"\} 17$/m,
    )
    assert.match(text, /le="0.025",table="usage_1m",service="loader"\} 1$|le="0.025".*\} 1$/m)
    assert.match(
      await createMetrics('loader').text(),
      /^hivemeter_loader_groups_total\{service="loader"\} 0$/m,
    )
  })
})
