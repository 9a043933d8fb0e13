import avsc from 'avsc'
import { avroType } from '../avro.ts'

/** The Avro type of one item of a batch; `registry` defines how types are read that the schema names. */
export function itemType(registry: Record<string, avsc.Type> = {}): avsc.Type {
  const batch = avroType('worker-telemetry.v1', registry)
  const items = batch instanceof avsc.types.RecordType ? batch.field('items').type : null
  if (items instanceof avsc.types.ArrayType) return items.itemsType
  throw new Error('worker-telemetry.v1.avsc is no record with an array "items".')
}
