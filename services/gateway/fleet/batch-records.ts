import avsc from 'avsc'
import type { BatchHead } from '../../../pipelines/fleet/accept/accept-batch.ts'
import { avroType, framed, SCHEMA_ID } from '../../../schemas/avro.ts'
import { itemType } from '../../../schemas/fleet/item-type.ts'
import type { FleetItem } from '../../../schemas/fleet/records.ts'
import type { FleetRecord } from './fleet-queue.ts'

/** Most bytes of the items of one record: with all around them well below the topic's 2 MiB. */
export const RECORD_ITEMS_BYTES_MAX = 900_000

const batchType = avroType('worker-telemetry.v1')
const typeOfItems = itemType()
const longType = avsc.Type.forSchema('long')

/** An Avro array ends with an empty block. */
const ARRAY_END = Buffer.alloc(1)

/** The bytes of an item in the log. */
export function encodedItem(item: FleetItem): Buffer {
  return typeOfItems.toBuffer(item)
}

/**
 * A batch as records of fleet.inbox: one, or several where its items are too large for one. Each is a run of numbers in the
 * order of the batch. `items` are encoded.
 */
export function recordsOf(head: BatchHead, items: readonly Buffer[]): FleetRecord[] {
  const records: FleetRecord[] = []
  for (let from = 0; from < items.length; ) {
    let to = from + 1
    let sizeBytes = items[from]?.length ?? 0
    for (; to < items.length; to += 1) {
      sizeBytes += items[to]?.length ?? 0
      if (sizeBytes > RECORD_ITEMS_BYTES_MAX) break
    }
    // What comes after the record is held back until the last one is in the log.
    const complete = to === items.length ? head.complete : []
    const first_seq = head.first_seq + from
    records.push(recordOf({ ...head, first_seq, complete }, items.slice(from, to)))
    from = to
  }
  return records
}

function recordOf(head: BatchHead, items: readonly Buffer[]): FleetRecord {
  // The items are the last field: without any, they are the one byte that ends their array.
  const before = batchType.toBuffer({ ...head, items: [] }).subarray(0, -1)
  const value = framed(SCHEMA_ID.workerTelemetry, [
    before,
    longType.toBuffer(items.length),
    ...items,
    ARRAY_END,
  ])
  return { providerId: head.provider_id, value }
}
