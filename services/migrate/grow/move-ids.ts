import type { GrowthKafka } from './drain.ts'
import type { ClickhouseClient } from '../../../pipelines/clickhouse/client.ts'
import { idsOfBlocks } from '../../../pipelines/clickhouse/queries/block-ids.ts'
import type { IdRow } from '../../../pipelines/clickhouse/queries/block-ids.ts'
import { readPartition } from '../../../pipelines/kafka/read.ts'
import type { TopicAppend } from '../../../pipelines/log/records.ts'
import { hashEventId, nodeKey, textKey } from '../../../pipelines/dedupe/id-hash.ts'
import { ENTRY_BYTES, ENTRY_WORDS, IdTable } from '../../../pipelines/dedupe/id-table.ts'
import { contentWords } from '../../../pipelines/dedupe/lookup.ts'
import { textsUntil } from '../../../pipelines/usage/record.ts'
import { aggregatorTaskCodec, idsCodec, STATE_KEY } from '../../../schemas/avro.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import type { AggregatorTask } from '../../../schemas/records.ts'
import { RULES } from '../../../schemas/since.ts'
import { EXIT, ExitError } from '../../runtime/exit.ts'

/** Blocks whose rows one statement reads. */
const BLOCKS_PER_QUERY = 200

/** Ids of one record: 24 bytes each, so that one send carries the record. */
const IDS_PER_RECORD = 30_000

/** Where the ids of a partition that ended come from. */
export interface IdSource {
  readonly kafka: GrowthKafka
  readonly client: ClickhouseClient
  readonly idKey: Buffer
  readonly stateTopic: string
  readonly blocksTopic: string
  readonly partition: number
  /** Its last task record. */
  readonly task: AggregatorTask
}

/** Where the ids go. */
export interface IdTarget {
  readonly topic: string
  readonly partitions: number
}

/**
 * Moves the ids that one partition's memory held when it ended, each to the partition that its node has now. Memory holds
 * hashes only, so the nodes are found from the rows, all of which are in ClickHouse by now. An id in memory that has no
 * row ends the growth (exit 1), since a repeat of its event would count twice. Resolves with the event time up to which
 * events must be looked up in ClickHouse: the time of those that had left memory, and of those that came with an earlier
 * growth, whose rows belong to another version.
 */
export async function moveIds(
  source: IdSource,
  target: IdTarget,
  write: (record: TopicAppend) => Promise<void>,
): Promise<{ readonly moved: number; readonly low: number | null }> {
  const { client, blocksTopic, partition, task } = source
  const { held, low } = await heldIds(source)
  const moved = new IdTable()
  const keys = new Map<string, Int32Array>()
  const places = Array.from({ length: target.partitions }, () => new Moved())
  for (let from = task.evicted_seq + 1; from < task.next_seq; from += BLOCKS_PER_QUERY) {
    const to = Math.min(from + BLOCKS_PER_QUERY, task.next_seq) - 1
    for (const row of await idsOfBlocks(client, { topic: blocksTopic, partition }, from, to)) {
      const entry = entryOf(row, source.idKey, keys)
      if (held.find(entry) !== 'repeat' || moved.add(entry) !== 'new') continue
      const at = partitionOfNode(row.node_id, target.partitions)
      const full = places[at]?.add(entry, Number(row.occurred_ms))
      if (full !== undefined) await write(idsRecord(target.topic, at, full))
    }
  }
  if (moved.size !== held.size) {
    throw new ExitError(
      EXIT.failure,
      `${held.size - moved.size} of ${held.size} ids of ${source.stateTopic}[${partition}] stand in no row of usage_events: ` +
        'ClickHouse lacks what it was said to have loaded. Nothing was cut over; run npm run verify and see which store is older.',
    )
  }
  for (const [at, place] of places.entries()) {
    const rest = place.take()
    if (rest !== undefined) await write(idsRecord(target.topic, at, rest))
  }
  return { moved: moved.size, low }
}

/** What memory may hold: the ids of every record that was not evicted. */
async function heldIds({
  kafka,
  stateTopic,
  partition,
  task,
}: IdSource): Promise<{ held: IdTable; low: number | null }> {
  const held = new IdTable()
  let { low } = task
  const entry = new Int32Array(ENTRY_WORDS)
  for await (const records of readPartition({ ...kafka, topic: stateTopic, partition })) {
    for (const { key, value } of records) {
      if (key?.toString('latin1') !== STATE_KEY.ids || value === null) continue
      const { ids, last_seq, newest_occurred_at } = idsCodec.decode(value)
      if (last_seq === 0) low = Math.max(low ?? newest_occurred_at, newest_occurred_at)
      if (last_seq <= task.evicted_seq) continue
      for (let at = 0; at + ENTRY_BYTES <= ids.length; at += ENTRY_BYTES) {
        for (let word = 0; word < ENTRY_WORDS; word++) entry[word] = ids.readInt32LE(at + word * 4)
        held.add(entry)
      }
    }
  }
  return { held, low }
}

/** The entry that memory has of a row's event; `keys` are those of nodes that occurred before. */
export function entryOf(row: IdRow, idKey: Buffer, keys: Map<string, Int32Array>): Int32Array {
  const { node_id: nodeId, id_kind: kind, event_id: eventId, content } = row
  const name = `${kind} ${nodeId}`
  let key = keys.get(name)
  if (key === undefined) {
    key = (kind === 'text' ? textKey : nodeKey)(idKey, Buffer.from(nodeId))
    keys.set(name, key)
  }
  const id = Buffer.from(eventId.replaceAll('-', ''), 'hex')
  const entry = new Int32Array(ENTRY_WORDS)
  hashEventId(new DataView(id.buffer, id.byteOffset, id.length), 0, key, entry)
  const { low, high } = contentWords(BigInt(content))
  entry[4] = low
  entry[5] = high
  return entry
}

interface IdsBatch {
  readonly ids: Buffer
  readonly newestOccurredAt: number
}

/** Ids that are collected for one partition. */
class Moved {
  #entries: Int32Array[] = []
  #newestOccurredAt = 0

  /** Returns the ids of a whole record as soon as there are enough. */
  add(entry: Int32Array, occurredAtMs: number): IdsBatch | undefined {
    this.#entries.push(entry)
    this.#newestOccurredAt = Math.max(this.#newestOccurredAt, occurredAtMs)
    return this.#entries.length < IDS_PER_RECORD ? undefined : this.take()
  }

  take(): IdsBatch | undefined {
    if (this.#entries.length === 0) return undefined
    const ids = Buffer.alloc(this.#entries.length * ENTRY_BYTES)
    for (const [number, entry] of this.#entries.entries()) {
      for (const [word, value] of entry.entries()) ids.writeInt32LE(value, number * ENTRY_BYTES + word * 4)
    }
    this.#entries = []
    return { ids, newestOccurredAt: this.#newestOccurredAt }
  }
}

/** Their rows are in ClickHouse, as blocks of the version before: they may leave memory as soon as they are old enough. */
function idsRecord(topic: string, partition: number, { ids, newestOccurredAt }: IdsBatch): TopicAppend {
  const value = idsCodec.encode({ newest_occurred_at: newestOccurredAt, last_seq: 0, ids })
  return { topic, partition, key: STATE_KEY.ids, value }
}

/**
 * The task record that every partition of the next version begins with: the ids that any earlier partition had evicted
 * are looked up in ClickHouse; the watermark never falls for any node; the newest model table holds; and texts that an
 * earlier partition may have counted by the older rules are looked up for as long as any of them would be.
 */
export function firstAggregatorTask(
  ended: readonly AggregatorTask[],
  lows: readonly (number | null)[],
): AggregatorTask {
  const newest = ended.reduce((left, right) => (right.models_version > left.models_version ? right : left))
  const known = lows.filter((low) => low !== null)
  const untils = ended.map(textsUntil).filter((until) => until !== null)
  return {
    position: 0,
    next_seq: 1,
    watermark: Math.max(...ended.map(({ watermark }) => watermark)),
    id_key_fingerprint: newest.id_key_fingerprint,
    low: known.length === 0 ? null : Math.max(...known),
    evicted_seq: 0,
    models_version: newest.models_version,
    models: newest.models,
    loaded_seq: 0,
    oldest_unloaded_at: null,
    ended: false,
    since: [{ rules: RULES, offset: 0 }],
    texts_until: untils.length === 0 ? null : Math.max(...untils),
  }
}

/** The record of a task that begins. */
export function aggregatorTaskRecord(topic: string, partition: number, task: AggregatorTask): TopicAppend {
  return { topic, partition, key: STATE_KEY.task, value: aggregatorTaskCodec.encode(task) }
}
