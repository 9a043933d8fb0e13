import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeClickhouse } from '../../test/support/servers/clickhouse.ts'
import { VirtualClock } from '../../test/support/memory/virtual-clock.ts'
import { tablesMisfit } from './clickhouse.ts'
import { loadConfig } from './config.ts'
import { EXIT, ExitError } from './exit.ts'

const CONFIG = loadConfig({ environment: { HIVEMETER_CLICKHOUSE_CLUSTER: 'hive' } })

test('a service ends with 78 once ClickHouse answers that its tables do not fit the settings', async () => {
  const clock = new VirtualClock()
  let queries = 0
  const client = fakeClickhouse({
    rows: async () => {
      queries += 1
      if (queries < 3) throw new Error('away')
      return [{ name: 'watermarks', engine: 'AggregatingMergeTree' }]
    },
  })
  const error = await tablesMisfit(client, { config: CONFIG, clock, signal: new AbortController().signal })
  assert(error instanceof ExitError)
  assert.equal(error.exitCode, EXIT.configuration)
  assert.match(
    error.message,
    /HIVEMETER_CLICKHOUSE_CLUSTER is hive, but tables of hivemeter are not Replicated/,
  )
  assert.equal(queries, 3)
})

test('it goes on where they fit, or where there are none yet', async () => {
  for (const tables of [[], [{ name: 'watermarks', engine: 'ReplicatedAggregatingMergeTree' }]]) {
    const client = fakeClickhouse({ rows: async () => tables })
    const misfit = tablesMisfit(client, {
      config: CONFIG,
      clock: new VirtualClock(),
      signal: new AbortController().signal,
    })
    const first = await Promise.race([
      misfit,
      new Promise((resolve) => void setTimeout(resolve, 20, 'goes on')),
    ])
    assert.equal(first, 'goes on')
  }
})
