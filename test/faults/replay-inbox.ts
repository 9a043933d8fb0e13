import { accountCodec } from '../../schemas/avro.ts'
import type { Account } from '../../schemas/records.ts'
import { install } from '../support/installation.ts'
import type { Installation } from '../support/installation.ts'
import { startServices } from '../support/service-process.ts'
import { until } from '../support/until.ts'
import { compareRows } from './compared-rows.ts'
import { copyTopic } from './copied-topic.ts'
import type { Fleet } from './fleet.ts'
import { loadedAll } from './loaded-all.ts'

const DECIDED_MS = 180_000
const SHOWN_MAX = 3

/** What a decision came to, without when: the copy is received later. */
const TABLES = {
  wallet_ledger: 'wallet_id, entry_id, counter_wallet_id, node_id, kind, reference_id, micro_spark',
  settlements:
    'node_id, settlement_id, operator_id, from_seq, to_seq, costs, cost_nano_usd, spark, toString(reason)',
  cost_decisions:
    'node_id, cost_seq, event_id, operator_id, toString(task_source), occurred_at, toString(decision), cost_nano_usd, spark, spark_per_usd, rules_version, reservation_id',
} as const

/**
 * Decides all of account.inbox again: a fresh settler with no accounts reads a copy of the log. It must come to the same
 * accounts, and pay the same.
 */
export async function replayInbox({ installation, kafka, clickhouse }: Fleet): Promise<readonly string[]> {
  await using cleanup = new AsyncDisposableStack()
  const replayed = await install({
    name: 'redecide',
    partitions: installation.partitions,
    brokers: [kafka.broker],
    clickhouseUrl: clickhouse.url,
  })
  cleanup.defer(() => replayed.dispose())
  const copied = await copyTopic(installation, replayed, 'accountInbox')
  const { settler, loader } = await startServices(replayed, 'settler', 'loader')
  for (const service of [loader, settler]) cleanup.defer(() => service.stop())
  for (const [partition, count] of copied.entries()) {
    await until(
      `the copy of partition ${partition} to be decided`,
      DECIDED_MS,
      async () => ((await replayed.settlerTask(partition))?.position ?? 0) >= count,
      async () => `${JSON.stringify(await settler.readiness())}\n${settler.lastWords}`,
    )
  }
  await loadedAll(replayed, ['settlementBlocks'])
  const differences = await compareAccounts(installation, replayed)
  for (const [table, columns] of Object.entries(TABLES)) {
    const rows = ({ database }: Installation): string => `SELECT ${columns} FROM ${database}.${table}`
    const what = `account.inbox decided again, ${table}`
    differences.push(...(await compareRows(installation, what, rows(installation), rows(replayed))))
  }
  return differences
}

async function compareAccounts(first: Installation, second: Installation): Promise<string[]> {
  const differences: string[] = []
  for (let partition = 0; partition < first.partitions; partition++) {
    const [before, after] = await Promise.all([first, second].map((one) => accountsOf(one, partition)))
    if (before === undefined || after === undefined) continue
    const nodes = new Set([...before.keys(), ...after.keys()])
    const other = [...nodes].filter((node) => before.get(node) !== after.get(node))
    if (other.length === 0) continue
    differences.push(`account.inbox decided again: ${other.length} accounts of partition ${partition} differ`)
    for (const node of other.slice(0, SHOWN_MAX)) {
      differences.push(`account of ${node}: at first ${before.get(node)}, after ${after.get(node)}`)
    }
  }
  return differences
}

/** The newest account of each node, as text without times. */
async function accountsOf(installation: Installation, partition: number): Promise<Map<string, string>> {
  const accounts = new Map<string, string>()
  for (const { key, value } of await installation.records('nodeState', partition)) {
    const node = key?.toString('utf8') ?? ''
    if (!node.startsWith('!') && value !== null) accounts.set(node, withoutTimes(accountCodec.decode(value)))
  }
  return accounts
}

/** An account's numbers and names. Its watermark is the log's, and alike. */
export function withoutTimes(account: Account): string {
  const { first_seen_at: _first, changed_at: _changed, pending_since: _pending, operators, ...rest } = account
  const named = operators.map(({ since: _since, last_entry_at: _last, ...operator }) => operator)
  return JSON.stringify({ ...rest, operators: named }, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
}
