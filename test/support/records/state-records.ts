import { STATE_KEY, accountCodec, fenceCodec, settlerTaskCodec } from '../../../schemas/avro.ts'
import { nothingYet } from '../../../schemas/older-records.ts'
import type { Account } from '../../../schemas/records.ts'
import type { StateRecord } from '../../../services/reader/present/accounts.ts'
import { testRulesRecord } from './rules.ts'

/** Records of node.state for tests without Kafka. */

export type AccountFields = Partial<Omit<Account, 'operators'>> & {
  readonly node_id: string
  /** By id, or whole. */
  readonly operators?: readonly (string | Account['operators'][number])[]
}

/** An empty account, with the fields that the test sets. */
export function account({ operators = [], ...fields }: AccountFields): Account {
  return {
    version: 1,
    tier: 'flat',
    first_seen_at: 0,
    changed_at: 0,
    watermark: 0,
    rules_version: 1,
    events: 0,
    inferences: 0n,
    tokens_in: 0n,
    tokens_out: 0n,
    gpu_ms_measured: 0n,
    gpu_ms_estimated: 0n,
    gpu_ms_paid_estimated: 0n,
    set_aside: 0,
    energy_mwh_measured: 0n,
    energy_mwh_estimated: 0n,
    energy_mwh_compatible: 0n,
    cost_nano_usd: 0n,
    cost_seq: 0,
    settled_through: 0,
    pending_count: 0,
    pending_nano_usd: 0n,
    pending_micro_spark: 0n,
    pending_since: null,
    unclaimed_count: 0,
    unclaimed_nano_usd: 0n,
    unclaimed_micro_spark: 0n,
    settlements: 0,
    settled_nano_usd: 0n,
    settled_micro_spark: 0n,
    ...nothingYet(),
    ...fields,
    operators: operators.map((operator) =>
      typeof operator === 'string' ? { ...NO_ENTRIES, operator_id: operator } : operator,
    ),
  }
}

const NO_ENTRIES = {
  since: 0,
  micro_spark: 0n,
  entries: 0,
  last_entry_at: null,
  remainder: 0,
  confirmed: false,
}

export function accountRecord(partition: number, value: Account): StateRecord {
  return { partition, key: Buffer.from(value.node_id), value: accountCodec.encode(value) }
}

export function tombstone(partition: number, nodeId: string): StateRecord {
  return { partition, key: Buffer.from(nodeId), value: null }
}

export function fenceRecord(partition: number): StateRecord {
  return { partition, key: Buffer.from(STATE_KEY.fence), value: fenceCodec.encode({ instance: 'test' }) }
}

/** The settler's task record, which ends each of its transactions. */
export function taskRecord(partition: number, watermark: number): StateRecord {
  const value = settlerTaskCodec.encode({
    position: 1,
    next_seq: 1,
    now: watermark,
    watermark,
    handed_offset: 0,
    handed_index: 0,
    rules: testRulesRecord(),
    loaded_seq: 0,
    oldest_unloaded_at: null,
    ended: false,
    since: [],
  })
  return { partition, key: Buffer.from(STATE_KEY.task), value }
}
