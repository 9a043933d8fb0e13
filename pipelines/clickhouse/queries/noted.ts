import type { AuditKind } from '../../../schemas/audit.ts'
import type { ClickhouseClient } from '../client.ts'

/** A row of the audit about something that no command requested. */
export interface NotedRow {
  readonly entry_id: string
  readonly noted_ms: string
  readonly kind: AuditKind
  readonly subject: string
  readonly node_id: string
  readonly address: string
  readonly value_before: string
  readonly value_after: string
  readonly times: string
  readonly reason: string
  readonly src_partition: number
  readonly src_seq: string
}

/** Place of a row: log time, partition, block, and the entry within its block. */
export interface NotedPosition {
  readonly notedMs: string
  readonly partition: string
  readonly seq: string
  readonly entryId: string
}

export interface NotedQuery {
  readonly fromMs: number
  /** Only rows before this time: no partition can still add one there. */
  readonly beforeMs: number
  /** Null for all kinds. */
  readonly kind: AuditKind | null
  /** Where the previous page ended. */
  readonly after: NotedPosition | null
  readonly limit: number
}

const NO_ENTRY = '00000000-0000-0000-0000-000000000000'

/** Rows of the audit, newest first. */
export async function notedRows(client: ClickhouseClient, query: NotedQuery): Promise<NotedRow[]> {
  const { fromMs, beforeMs, kind, after, limit } = query
  return await client.rows<NotedRow>(
    `SELECT entry_id, toUnixTimestamp64Milli(noted_at) AS noted_ms, kind, subject, node_id, address, value_before,
            value_after, times, reason, src_partition, src_seq
     FROM audit
     WHERE noted_at >= fromUnixTimestamp64Milli({from_ms:Int64})
       AND noted_at < fromUnixTimestamp64Milli({before_ms:Int64})
       AND ({kind:String} = '' OR kind = {kind:String})
       AND (noted_at, src_partition, src_seq, entry_id)
         < (fromUnixTimestamp64Milli({after_ms:Int64}), {after_partition:UInt16}, {after_seq:UInt64}, {after_entry:UUID})
     ORDER BY noted_at DESC, src_partition DESC, src_seq DESC, entry_id DESC
     LIMIT {limit:UInt32}`,
    {
      from_ms: fromMs,
      before_ms: beforeMs,
      kind: kind ?? '',
      after_ms: after?.notedMs ?? beforeMs,
      after_partition: after?.partition ?? 0,
      after_seq: after?.seq ?? 0,
      after_entry: after?.entryId ?? NO_ENTRY,
      limit,
    },
  )
}
