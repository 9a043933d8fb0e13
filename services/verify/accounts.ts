import { SCHEMA_ID, STATE_KEY, accountCodec, schemaIdOf, settlerTaskCodec } from '../../schemas/avro.ts'
import type { Account, SettlerTask } from '../../schemas/records.ts'
import type { ModelAccount } from './account-model.ts'
import type { Row } from './differences.ts'
import type { Logs } from './logs.ts'
import type { NodeTotals } from './usage-sums.ts'

/** What node.state says about one partition: the newest record of each node, and the task record they belong to. */
export interface NodeState {
  readonly accounts: ReadonlyMap<string, Account>
  readonly task: SettlerTask | null
}

/**
 * Reads node.state up to its end as of now. A transaction's task record is its last record, so the accounts are those
 * of the newest task record; anything written behind it is not the settler's, and shows as a difference.
 */
export async function readNodeState(logs: Logs, partition: number): Promise<NodeState> {
  const accounts = new Map<string, Account>()
  let task: SettlerTask | null = null
  const { end } = await logs.range('nodeState', partition)
  for await (const { key, value } of logs.read('nodeState', partition, { to: end })) {
    if (value === null) continue
    if (key?.toString('latin1') === STATE_KEY.task) task = settlerTaskCodec.decode(value)
    if (schemaIdOf(value) !== SCHEMA_ID.account) continue
    const account = accountCodec.decode(value)
    accounts.set(account.node_id, account)
  }
  return { accounts, task }
}

/** What of an account follows from the inbox, as it must be. */
export function modelRow(account: ModelAccount, totals: NodeTotals): Row {
  const { operator, pending, unclaimed, settled } = account
  return {
    first_seen_at: account.firstSeenAtMs,
    changed_at: account.changedAtMs,
    watermark: account.watermarkMs,
    rules_version: account.rulesVersion,
    operators: operator === null ? [] : [operator.operatorId],
    operator_since: operator?.sinceMs ?? null,
    micro_spark: operator?.microSpark ?? null,
    entries: operator?.entries ?? null,
    last_entry_at: operator?.lastEntryAtMs ?? null,
    ...totals,
    cost_seq: account.costSeq,
    settled_through: account.settledThrough,
    pending_count: pending.count,
    pending_nano_usd: pending.nanoUsd,
    pending_spark: pending.spark,
    pending_since: account.pendingSinceMs,
    unclaimed_count: unclaimed.count,
    unclaimed_nano_usd: unclaimed.nanoUsd,
    unclaimed_spark: unclaimed.spark,
    settlements: settled.count,
    settled_nano_usd: settled.nanoUsd,
    settled_spark: settled.spark,
  }
}

/** The same of node.state's record. */
export function accountRow(account: Account): Row {
  const { operators, ...rest } = account
  const last = operators.at(-1)
  return {
    ...rest,
    operators: operators.map(({ operator_id }) => operator_id),
    operator_since: last?.since ?? null,
    micro_spark: last?.micro_spark ?? null,
    entries: last?.entries ?? null,
    last_entry_at: last?.last_entry_at ?? null,
  }
}
