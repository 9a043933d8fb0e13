import type { TopicAppend } from './records.ts'

/** Largest sum of record bytes in one send; a larger record is sent alone. */
export const SEND_BYTES_MAX = 900_000

/** Most records in one send: their keys and headers must have room besides the values. */
export const SEND_RECORDS_MAX = 5_000

/** Cuts records into sends within the bounds, keeping their order; a record above the bound is sent alone. */
export function splitIntoSends<R extends Pick<TopicAppend, 'value'>>(
  records: readonly R[],
  recordsMax: number = SEND_RECORDS_MAX,
): R[][] {
  const sends: R[][] = []
  let send: R[] = []
  let bytes = 0
  for (const record of records) {
    const size = record.value?.length ?? 0
    if (send.length > 0 && (bytes + size > SEND_BYTES_MAX || send.length === recordsMax)) {
      sends.push(send)
      send = []
      bytes = 0
    }
    send.push(record)
    bytes += size
  }
  if (send.length > 0) sends.push(send)
  return sends
}
