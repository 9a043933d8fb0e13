import avsc from 'avsc'
import { avroType, framed, SCHEMA_ID } from '../../../schemas/avro.ts'
import type { FleetNodeName, Lane, Mark, Span } from '../../../schemas/fleet/records.ts'
import { decodeItem } from '../spool/item-bytes.ts'
import type { Run } from '../spool/spool-index.ts'
import type { SentBody } from './gateway-client.ts'
import { itemJson } from './item-json.ts'

/** What a batch says of itself beside its numbers. */
export interface BatchHead {
  readonly node: FleetNodeName
  readonly intervalS: number
  readonly lane: Lane
  readonly low: Mark
  readonly complete: readonly Span[]
}

/** A batch as it is sent, and sent again, until it is taken or found unfit: items as the spool has them. */
export interface Batch {
  readonly run: Run
  readonly head: BatchHead
  readonly items: readonly Buffer[]
}

/** How a batch is written: as the log's own record, of which nothing is parsed twice, or as JSON. */
export type BatchForm = 'packed' | 'json'

/** The content type of a batch as the log's own record. */
const PACKED_BATCH_TYPE = 'application/vnd.hivemeter.worker-telemetry'

const recordType = avroType('worker-telemetry.v1')
const longType = avsc.Type.forSchema('long')
/** An Avro array ends with an empty block. */
const ARRAY_END = Buffer.alloc(1)

/** The first half of a batch that was found unfit; null of one item. Nothing is said to be complete with it. */
export function firstHalf({ run, head, items }: Batch): Batch | null {
  if (items.length <= 1) return null
  const half = items.slice(0, Math.ceil(items.length / 2))
  return { run: { ...run, to: run.from + half.length }, head: { ...head, complete: [] }, items: half }
}

export function bodyOf(batch: Batch, form: BatchForm): SentBody {
  const { run, items, head } = batch
  const { node, intervalS, lane, low, complete } = head
  const { provider_id, location_id, node_id } = node
  const said = {
    provider_id,
    location_id,
    node_id,
    epoch: run.epoch,
    first_seq: run.from,
    lane,
    low,
    complete,
    interval_s: intervalS,
  }
  if (form === 'json') {
    const body = { ...said, items: items.map((item) => itemJson(decodeItem(item))) }
    return { type: 'application/json', bytes: Buffer.from(JSON.stringify(body)) }
  }
  // The items are the last field: without any, they are the one byte that ends their array.
  const before = recordType.toBuffer({ ...said, items: [] }).subarray(0, -1)
  const bytes = framed(SCHEMA_ID.workerTelemetry, [
    before,
    longType.toBuffer(items.length),
    ...items,
    ARRAY_END,
  ])
  return { type: PACKED_BATCH_TYPE, bytes }
}
