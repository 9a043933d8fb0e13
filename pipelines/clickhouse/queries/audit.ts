import type { ClickhouseClient } from '../client.ts'
import type { BlockSource, Loaded } from './watermarks.ts'

/** A command that changed settings. */
export interface AuditRow {
  readonly command_id: string
  readonly caller: string
  readonly changes: string
  readonly account_version: string
  readonly decided_ms: string
}

export interface AuditQuery {
  readonly nodeId: string
  readonly source: BlockSource
  readonly loaded: Loaded
  /** Only changes of lower account versions; null for the newest. */
  readonly beforeVersion: string | null
  readonly limit: number
}

/** The commands that changed a node's settings, newest first. Each change has an account version of its own. */
export async function settingsChanges(client: ClickhouseClient, query: AuditQuery): Promise<AuditRow[]> {
  return await client.rows<AuditRow>(
    `SELECT command_id, caller, changes, account_version, toUnixTimestamp64Milli(decided_at) AS decided_ms
     FROM audit_log
     WHERE node_id = {node_id:String} AND kind IN ('settings', 'join') AND code = '' AND changes != '[]'
       AND NOT (src_topic = {topic:String} AND src_seq > {loaded:UInt64})
       AND account_version < {before_version:UInt64}
     ORDER BY account_version DESC
     LIMIT {limit:UInt32}`,
    {
      node_id: query.nodeId,
      topic: query.source.topic,
      loaded: query.loaded.seq,
      before_version: query.beforeVersion ?? '9223372036854775807',
      limit: query.limit,
    },
  )
}

/** A command that named an operator, and was done. */
export interface AuditOperatorRow {
  readonly node_id: string
  readonly kind: 'join' | 'claim' | 'transfer'
  readonly caller: string
  /** JSON with `operator_id`. */
  readonly asked: string
}

/** Every command that named an operator, for all nodes, as far as loaded. */
export async function operatorCommands(client: ClickhouseClient): Promise<AuditOperatorRow[]> {
  return await client.rows<AuditOperatorRow>(
    `SELECT DISTINCT node_id, kind, caller, asked
     FROM audit_log
     WHERE kind IN ('join', 'claim', 'transfer') AND code = ''`,
  )
}
