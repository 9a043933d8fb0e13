import type { IdKind } from '../../../schemas/identity.ts'
import { formatUuid } from '../../../schemas/ids.ts'
import { contentWords, lookupName } from '../../dedupe/lookup.ts'
import type { Found, Lookup, LookupKey } from '../../dedupe/lookup.ts'
import type { ClickhouseClient } from '../client.ts'
import { ClickhouseAway } from '../client.ts'

/** Most keys of one statement: each takes the text of three parameters. */
const KEYS_PER_QUERY = 1_000

interface FoundRow {
  readonly node: string
  readonly id: string
  readonly kind: IdKind | ''
  readonly content: string
  readonly loaded: string
}

interface LookupRequest {
  readonly topic: string
  readonly partition: number
  readonly evictedSeq: number
  readonly keys: readonly LookupKey[]
}

/**
 * Looks old ids up by the whole sort key of `usage_events`. The sort key does not contain the kind of an id; the rows state
 * theirs. It also queries the same replica for how far it has loaded: below `evictedSeq` the replica may lack what left
 * memory, which counts as away.
 */
export function idLookup(client: ClickhouseClient, blocksTopic: string): Lookup {
  return async (partition, evictedSeq, keys) => {
    const request = { topic: blocksTopic, partition, evictedSeq, keys }
    try {
      return await client.onOneReplica((replica) => lookUp(replica, request))
    } catch (error) {
      if (error instanceof ClickhouseAway) return null
      throw error
    }
  }
}

async function lookUp(replica: ClickhouseClient, request: LookupRequest): Promise<Found | null> {
  // A replica fetches each table separately, so it may have a row of `watermarks` before the rows that this one reports. A
  // single server answers for both in one statement.
  if (replica.cluster !== '' && !(await hasAll(replica, request))) return null
  const found = new Map<string, { low: number; high: number }>()
  for (let from = 0; from < request.keys.length; from += KEYS_PER_QUERY) {
    const rows = await foundOf(replica, request, request.keys.slice(from, from + KEYS_PER_QUERY))
    const loaded = Math.max(0, ...rows.map((row) => Number(row.loaded)))
    if (loaded < request.evictedSeq) return null
    for (const { node, id, kind, content } of rows) {
      if (kind === '') continue
      found.set(lookupName(node, id.replaceAll('-', ''), kind), contentWords(BigInt(content)))
    }
  }
  return found
}

async function hasAll(
  replica: ClickhouseClient,
  { topic, partition, evictedSeq }: LookupRequest,
): Promise<boolean> {
  const rows = await replica.rows<{ loaded: string }>(
    `SELECT max(src_seq) AS loaded FROM watermarks
       WHERE src_topic = {topic:String} AND src_partition = {partition:UInt16}`,
    { topic, partition },
    { max_threads: 1 },
  )
  if (Number(rows[0]?.loaded ?? 0) < evictedSeq) return false
  await replica.sync(['usage_events'])
  return true
}

async function foundOf(
  replica: ClickhouseClient,
  { topic, partition }: LookupRequest,
  keys: readonly LookupKey[],
): Promise<FoundRow[]> {
  return await replica.rows<FoundRow>(
    `SELECT '' AS node, '' AS id, '' AS kind, '0' AS content, toString(max(src_seq)) AS loaded FROM watermarks
       WHERE src_topic = {topic:String} AND src_partition = {partition:UInt16}
     UNION ALL
     SELECT node_id, toString(event_id), toString(id_kind), toString(content_hash), '' FROM usage_events
       WHERE (node_id, occurred_at, event_id) IN (
         SELECT node, fromUnixTimestamp64Milli(at, 'UTC'), toUUID(id) FROM (
           SELECT arrayJoin(arrayZip({nodes:Array(String)}, {times:Array(Int64)}, {ids:Array(String)})) AS key,
                  key.1 AS node, key.2 AS at, key.3 AS id))`,
    {
      topic,
      partition,
      nodes: keys.map(({ nodeId }) => nodeId),
      times: keys.map(({ occurredAtMs }) => occurredAtMs),
      ids: keys.map(({ eventId }) => formatUuid(eventId)),
    },
    { max_threads: 1 },
  )
}
