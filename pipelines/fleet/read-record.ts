import type { FleetNodeName } from '../../schemas/fleet/records.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import type { LetterCode } from '../../schemas/reasons.ts'
import type { LogRecord } from '../log/records.ts'

/** The value of a record, or why it is set aside. */
export type ReadValue<Value> =
  | { readonly value: Value }
  | { readonly code: LetterCode; readonly detail: string }

/** Where records are read: which partition of how many. */
export interface ReadAt {
  readonly partition: number
  readonly partitions: number
}

/** Reads a record of one schema. Everything that can be wrong with it is found before anything is changed. */
export function readValue<Value extends Pick<FleetNodeName, 'provider_id'>>(
  record: LogRecord,
  codec: { decode(value: Buffer): Value },
  faultOf: (value: Value) => string | null,
  { partition, partitions }: ReadAt,
): ReadValue<Value> {
  let value: Value
  try {
    value = codec.decode(record.value ?? Buffer.alloc(0))
  } catch {
    // avsc throws for bytes that are cut off, or that have more bytes after them.
    return { code: 'malformed', detail: 'these are not the bytes of its schema' }
  }
  const fault = faultOf(value)
  if (fault !== null) return { code: 'out_of_range', detail: fault }
  const { provider_id } = value
  if (record.key?.toString() !== provider_id || partitionOfNode(provider_id, partitions) !== partition) {
    return { code: 'wrong_partition', detail: 'its key, or its partition, is not that of its provider' }
  }
  return { value }
}
