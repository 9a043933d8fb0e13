import { inboxUsageCodec, SCHEMA_ID, schemaIdOf } from '../../../schemas/avro.ts'
import { formatUuid } from '../../../schemas/ids.ts'
import { sumColumn } from '../../../schemas/tables.ts'
import { install } from '../../support/processes/installation.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { startServices } from '../../support/processes/service-process.ts'
import { until } from '../../support/until.ts'
import { compareRows } from './compared-rows.ts'
import { copyTopic } from './copied-topic.ts'
import type { Copied } from './copied-topic.ts'
import type { Fleet } from '../harness/fleet.ts'
import { loadedAll } from './loaded-all.ts'

const COUNTED_MS = 180_000
const SHOWN_MAX = 3

/** Sums of a window; `late_events` depends on when an event came, and a copy comes later. */
const SUMS = [
  'events',
  'tokens_in',
  'tokens_out',
  'duration_ms',
  'gpu_ms_measured',
  'gpu_ms_estimated',
  'energy_mwh_measured',
  'energy_mwh_estimated',
  'energy_mwh_compatible',
  'inferences',
  'gpu_ms_paid_estimated',
  'cost_nano_usd',
]

/**
 * Counts all of usage.metered again: a fresh aggregator, with nothing in memory and another memory size, reads a copy of
 * the log. It must hand on the same costs, and produce the same windows.
 */
export async function replayUsage({ installation, clickhouse }: Fleet): Promise<readonly string[]> {
  await using cleanup = new AsyncDisposableStack()
  const replayed = await install({
    name: 'recount',
    partitions: installation.partitions,
    brokers: installation.kafka.brokers,
    replicationFactor: installation.replicationFactor,
    clickhouseUrl: clickhouse.url,
  })
  cleanup.defer(() => replayed.dispose())
  const copied = await copyTopic({ from: installation, to: replayed, role: 'usageMetered', times: 'stated' })
  const { aggregator, loader } = await startServices(replayed, 'aggregator', 'loader')
  for (const service of [loader, aggregator]) cleanup.defer(() => service.stop())
  const records = copied.reduce((sum, count) => sum + count, 0)
  let counted = 0
  await until(
    `${records} records to be counted again`,
    COUNTED_MS,
    async () => {
      // A service that counts a million events again may be too busy to report how far it has come.
      counted = await aggregator.metric('hivemeter_usage_records_total').catch(() => counted)
      return counted >= records
    },
    () => `${counted} are\n${aggregator.lastWords}`,
  )
  await allApplied(replayed, copied)
  await loadedAll(replayed, ['usageBlocks'])
  const differences = await compareCosts(installation, replayed)
  for (const table of ['usage_1m', 'usage_15m']) {
    const windows = ({ database }: Installation): string =>
      `SELECT node_id, window_start, model_id, task_source, ${SUMS.map((sum) => `sum(toInt128(${sumColumn(sum)}))`).join(', ')}
         FROM ${database}.${table} GROUP BY node_id, window_start, model_id, task_source`
    const what = `usage.metered counted again, ${table}`
    differences.push(...(await compareRows(installation, what, windows(installation), windows(replayed))))
  }
  return differences
}

/** Its own ticks count as records too: the task records show whether each partition has reached the end of its copy. */
async function allApplied(replayed: Installation, copied: Copied): Promise<void> {
  for (const [partition, count] of copied.entries()) {
    await until(
      `the copy of partition ${partition} to be counted`,
      COUNTED_MS,
      async () => ((await replayed.aggregatorTask(partition))?.position ?? 0) >= count,
    )
  }
}

async function compareCosts(first: Installation, second: Installation): Promise<string[]> {
  const differences: string[] = []
  for (let partition = 0; partition < first.partitions; partition++) {
    const [before, after] = await Promise.all([first, second].map((one) => costsOf(one, partition)))
    if (before === undefined || after === undefined) continue
    const what = `usage.metered counted again, costs of partition ${partition}`
    if (before.size !== after.size) differences.push(`${what}: ${before.size} at first, ${after.size} after`)
    for (const [title, some, others] of [
      ['only at first', before, after],
      ['only after', after, before],
    ] as const) {
      const only = [...some].filter((cost) => !others.has(cost)).slice(0, SHOWN_MAX)
      differences.push(...only.map((cost) => `${what}: ${title}: ${cost}`))
    }
  }
  return differences
}

/** The costs in an account.inbox, each with the event that it pays. A cost that is there twice has a second name. */
async function costsOf(installation: Installation, partition: number): Promise<Set<string>> {
  const costs = new Set<string>()
  for (const { value } of await installation.records('accountInbox', partition)) {
    if (value === null || schemaIdOf(value) !== SCHEMA_ID.inboxUsage) continue
    for (const { node_id, cost } of inboxUsageCodec.decode(value).entries) {
      if (cost === null) continue
      const name = `${node_id} ${cost.id_kind} ${formatUuid(cost.event_id)} ${cost.cost_nano_usd}`
      costs.add(costs.has(name) ? `${name} again` : name)
    }
  }
  return costs
}
