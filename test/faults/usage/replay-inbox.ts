import { accountCodec } from '../../../schemas/avro.ts'
import type { Account } from '../../../schemas/records.ts'
import { SOURCE_COLUMNS, tablesFilledBy } from '../../../schemas/tables.ts'
import { install } from '../../support/processes/installation.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { startServices } from '../../support/processes/service-process.ts'
import { until } from '../../support/until.ts'
import { compareRows } from './compared-rows.ts'
import { copyTopic, makeTopicWithTimes } from './copied-topic.ts'
import type { Fleet } from '../harness/fleet.ts'
import { loadedAll } from './loaded-all.ts'

const DECIDED_MS = 180_000
const SHOWN_MAX = 3

/**
 * Decides all of account.inbox again: a fresh settler with no accounts reads a copy of the log, which has the log's
 * times, since limits, reservations and rewards depend on them. It must produce the same accounts and rows, to the last
 * column.
 */
export async function replayInbox({ installation, clickhouse }: Fleet): Promise<readonly string[]> {
  await using cleanup = new AsyncDisposableStack()
  const replayed = await install({
    name: 'redecide',
    partitions: installation.partitions,
    brokers: installation.kafka.brokers,
    replicationFactor: installation.replicationFactor,
    clickhouseUrl: clickhouse.url,
    rules: false,
  })
  cleanup.defer(() => replayed.dispose())
  await makeTopicWithTimes(replayed, 'accountInbox')
  const copied = await copyTopic({ from: installation, to: replayed, role: 'accountInbox', times: 'kept' })
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
  for (const { name, columns } of tablesFilledBy('settlementBlocks')) {
    // The block that brought a row depends on where batches ended.
    const decided = columns.slice(SOURCE_COLUMNS.length).map((column) => `toString(${column})`)
    const rows = ({ database }: Installation): string =>
      `SELECT ${decided.join(', ')} FROM ${database}.${name}`
    const what = `account.inbox decided again, ${name}`
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

/** The newest account of each node, as text. */
async function accountsOf(installation: Installation, partition: number): Promise<Map<string, string>> {
  const accounts = new Map<string, string>()
  for (const { key, value } of await installation.records('nodeState', partition)) {
    const node = key?.toString('utf8') ?? ''
    if (!node.startsWith('!') && value !== null) accounts.set(node, accountText(accountCodec.decode(value)))
  }
  return accounts
}

/** All fields of an account. */
export function accountText(account: Account): string {
  return JSON.stringify(account, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
}
