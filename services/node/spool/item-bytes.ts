import avsc from 'avsc'
import { avroType } from '../../../schemas/avro.ts'
import type { FleetItem } from '../../../schemas/fleet/records.ts'

/** An item as the log's schema has it: what the spool keeps, and what comes into the record. */
const itemType = itemTypeOf(avroType('worker-telemetry.v1'))

function itemTypeOf(batch: avsc.Type): avsc.Type {
  const items = batch instanceof avsc.types.RecordType ? batch.field('items').type : null
  if (items instanceof avsc.types.ArrayType) return items.itemsType
  throw new Error('worker-telemetry.v1.avsc is no record with an array "items".')
}

export function encodeItem(item: FleetItem): Buffer {
  return itemType.toBuffer(item)
}

/** Throws where these are not the bytes of an item. */
export function decodeItem(bytes: Buffer): FleetItem {
  return itemType.fromBuffer(bytes) as FleetItem
}

/** The item at another time. */
export function stamped(item: FleetItem, observedAtMs: number): FleetItem {
  const { sample, poll, report } = item
  return {
    ...item,
    sample: sample === null ? null : { ...sample, observed_at: observedAtMs },
    poll: poll === null ? null : { ...poll, observed_at: observedAtMs },
    report: report === null ? null : { ...report, observed_at: observedAtMs },
  }
}

/** When its machine was asked. */
export function observedAt({ sample, poll, report }: FleetItem): number {
  return (sample ?? poll ?? report)?.observed_at ?? 0
}
