import { formatUuid } from '../../../schemas/ids.ts'
import { contentWords, lookupName } from '../../usage/lookup.ts'
import type { Lookup } from '../../usage/lookup.ts'
import type { ClickhouseClient } from '../client.ts'
import { ClickhouseAway } from '../client.ts'

/** Keys of one statement: each is three parameters' worth of text. */
const KEYS_PER_QUERY = 1_000

interface FoundRow {
  readonly node: string
  readonly id: string
  readonly content: string
}

/**
 * Looks old ids up by the whole sort key of `usage_events`, and asks the same replica how far it has loaded: below
 * `evictedSeq` it may lack what left memory, which counts as away.
 */
export function idLookup(client: ClickhouseClient, blocksTopic: string): Lookup {
  return async (partition, evictedSeq, keys) => {
    const found = new Map<string, { low: number; high: number }>()
    try {
      for (let from = 0; from < keys.length; from += KEYS_PER_QUERY) {
        const some = keys.slice(from, from + KEYS_PER_QUERY)
        const rows = await client.rows<FoundRow & { loaded: string }>(
          `SELECT '' AS node, '' AS id, '0' AS content, toString(max(src_seq)) AS loaded FROM watermarks
             WHERE src_topic = {topic:String} AND src_partition = {partition:UInt16}
           UNION ALL
           SELECT node_id, toString(event_id), toString(content_hash), '' FROM usage_events
             WHERE (node_id, occurred_at, event_id) IN (
               SELECT node, fromUnixTimestamp64Milli(at, 'UTC'), toUUID(id) FROM (
                 SELECT arrayJoin(arrayZip({nodes:Array(String)}, {times:Array(Int64)}, {ids:Array(String)})) AS key,
                        key.1 AS node, key.2 AS at, key.3 AS id))`,
          {
            topic: blocksTopic,
            partition,
            nodes: some.map(({ nodeId }) => nodeId),
            times: some.map(({ occurredAtMs }) => occurredAtMs),
            ids: some.map(({ eventId }) => formatUuid(eventId)),
          },
          { max_threads: 1 },
        )
        const loaded = Math.max(0, ...rows.map((row) => Number(row.loaded)))
        if (loaded < evictedSeq) return null
        for (const { node, id, content } of rows) {
          if (id === '') continue
          found.set(lookupName(node, id.replaceAll('-', '')), contentWords(BigInt(content)))
        }
      }
      return found
    } catch (error) {
      if (error instanceof ClickhouseAway) return null
      throw error
    }
  }
}
