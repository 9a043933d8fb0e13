import type { ClickhouseClient } from '../client.ts'
import type { BlockSource, Loaded } from './watermarks.ts'

/** An event that was set aside, as the list of its node shows it. Times are in UTC milliseconds. */
export interface SetAsideRow {
  readonly node_id: string
  readonly event_id: string
  readonly reason: string
  readonly detail: string
  readonly topic: string
  readonly partition: number
  readonly record_offset: string
  readonly record_index: number
  readonly received_ms: string
  readonly set_aside_ms: string
  /** As JSON, in the form of `POST /v1/events`. */
  readonly event: string
}

/** Where a list, newest first, continues. */
export interface SetAsidePosition {
  readonly receivedMs: string
  readonly offset: string
  readonly index: string
}

export interface SetAsideQuery {
  readonly nodeId: string
  readonly source: BlockSource
  readonly loaded: Loaded
  /** By receipt, half-open. */
  readonly fromMs: number
  readonly toMs: number
  readonly after: SetAsidePosition | null
  readonly limit: number
}

/** Events of a node that were set aside, newest first. */
export async function setAsideOf(client: ClickhouseClient, query: SetAsideQuery): Promise<SetAsideRow[]> {
  const { after } = query
  const beyond =
    after === null
      ? ''
      : `AND (received_at, record_offset, record_index)
           < (fromUnixTimestamp64Milli({after_ms:Int64}), {after_offset:UInt64}, {after_index:UInt32})`
  return await client.rows<SetAsideRow>(
    `SELECT node_id, event_id, reason, detail, topic, partition, record_offset, record_index,
            toUnixTimestamp64Milli(received_at) AS received_ms, toUnixTimestamp64Milli(set_aside_at) AS set_aside_ms, event
     FROM set_aside
     WHERE node_id = {node_id:String}
       AND received_at >= fromUnixTimestamp64Milli({from_ms:Int64})
       AND received_at < fromUnixTimestamp64Milli({to_ms:Int64})
       AND NOT (src_topic = {topic:String} AND src_seq > {loaded:UInt64}) ${beyond}
     ORDER BY set_aside.received_at DESC, record_offset DESC, record_index DESC
     LIMIT {limit:UInt32}`,
    {
      node_id: query.nodeId,
      from_ms: query.fromMs,
      to_ms: query.toMs,
      topic: query.source.topic,
      loaded: query.loaded.seq,
      after_ms: after?.receivedMs ?? '0',
      after_offset: after?.offset ?? '0',
      after_index: after?.index ?? '0',
      limit: query.limit,
    },
  )
}

/** A reason why a record was set aside, with the record's bytes. */
export interface LetterRow {
  readonly topic: string
  readonly partition: number
  readonly record_offset: string
  readonly record_index: number
  readonly reason: string
  readonly detail: string
  readonly received_ms: string
  readonly set_aside_ms: string
  /** Base64; null for a record without a value. */
  readonly value: string | null
}

export type LettersQuery = Pick<SetAsideQuery, 'fromMs' | 'toMs' | 'limit'> & {
  readonly after: (SetAsidePosition & { readonly topic: string; readonly partition: string }) | null
}

/**
 * Everything that was set aside, newest first, with one row for each reason. A record that a zombie loader wrote twice is
 * returned once.
 */
export async function lettersOf(client: ClickhouseClient, query: LettersQuery): Promise<LetterRow[]> {
  const { after } = query
  const beyond =
    after === null
      ? ''
      : `AND (received_at, topic, partition, record_offset, record_index)
           < (fromUnixTimestamp64Milli({after_ms:Int64}), {after_topic:String}, {after_partition:UInt16}, {after_offset:UInt64}, {after_index:Int32})`
  return await client.rows<LetterRow>(
    `SELECT topic, partition, record_offset, record_index, reason, detail,
            toUnixTimestamp64Milli(received_at) AS received_ms, toUnixTimestamp64Milli(set_aside_at) AS set_aside_ms,
            base64Encode(dead_letters.value) AS value
     FROM dead_letters
     ARRAY JOIN reasons AS reason, indexes AS record_index, details AS detail
     WHERE received_at >= fromUnixTimestamp64Milli({from_ms:Int64})
       AND received_at < fromUnixTimestamp64Milli({to_ms:Int64}) ${beyond}
     ORDER BY dead_letters.received_at DESC, topic DESC, partition DESC, record_offset DESC, record_index DESC
     LIMIT 1 BY topic, partition, record_offset, record_index
     LIMIT {limit:UInt32}`,
    {
      from_ms: query.fromMs,
      to_ms: query.toMs,
      after_ms: after?.receivedMs ?? '0',
      after_topic: after?.topic ?? '',
      after_partition: after?.partition ?? '0',
      after_offset: after?.offset ?? '0',
      after_index: after?.index ?? '0',
      limit: query.limit,
    },
  )
}
