import {
  STATE_KEY,
  accountCodec,
  heartbeatsCodec,
  outcomeCodec,
  schemaIdOf,
  settlerTaskCodec,
} from '../../../schemas/avro.ts'
import type { Account, Heartbeats, Outcome, SettlerTask } from '../../../schemas/records.ts'
import type { Logs } from '../logs.ts'

/** What node.state holds about one partition: the newest record of each key, and the task record they belong to. */
export interface NodeState {
  readonly accounts: ReadonlyMap<string, Account>
  /** By "node/command". */
  readonly outcomes: ReadonlyMap<string, Outcome>
  /** By node. */
  readonly heartbeats: ReadonlyMap<string, Heartbeats>
  readonly task: SettlerTask | null
}

/**
 * Reads node.state up to its present end. A transaction's task record is its last record, so the accounts are those of
 * the newest task record; the settler did not write what follows that record, so it shows as a difference.
 */
export async function readNodeState(logs: Logs, partition: number): Promise<NodeState> {
  const accounts = new Map<string, Account>()
  const outcomes = new Map<string, Outcome>()
  const heartbeats = new Map<string, Heartbeats>()
  let task: SettlerTask | null = null
  const { end } = await logs.range('nodeState', partition)
  for await (const { key, value } of logs.read('nodeState', partition, { to: end })) {
    const name = key?.toString('latin1') ?? ''
    if (name === STATE_KEY.task && value !== null) task = settlerTaskCodec.decode(value)
    else if (name.startsWith(STATE_KEY.commands)) {
      const command = name.slice(STATE_KEY.commands.length)
      if (value === null) outcomes.delete(command)
      else outcomes.set(command, outcomeCodec.decode(value))
    } else if (name.startsWith(STATE_KEY.heartbeats)) {
      const nodeId = name.slice(STATE_KEY.heartbeats.length)
      if (value === null) heartbeats.delete(nodeId)
      else heartbeats.set(nodeId, heartbeatsCodec.decode(value))
    } else if (value !== null && accountCodec.schemaIds.includes(schemaIdOf(value))) {
      const account = accountCodec.decode(value)
      accounts.set(account.node_id, account)
    }
  }
  return { accounts, outcomes, heartbeats, task }
}
