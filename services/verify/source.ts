import { RECEIPT_HEADER } from '../../schemas/usage.ts'

/** A record of a log, as `pipelines/kafka/read.ts` gives it. */
export interface SourceRecord {
  readonly partition: number
  readonly offset: bigint
  /** LogAppendTime: the receipt, by the broker's clock. */
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer>>
  /** The record stands for a batch that cannot be unpacked: `value` is the batch, and no frame of a schema. */
  readonly unreadable?: { readonly reason: string; readonly lastOffset: bigint }
  /** All headers, where a name stands twice or has no value. */
  readonly headerList?: readonly (readonly [name: string, value: Buffer | null])[]
}

/** The receipt that the age of a record's events is judged by; a stated one can only be earlier than the record's. */
export function receiptOf(record: SourceRecord): number {
  const stated = record.headers[RECEIPT_HEADER]?.toString('latin1') ?? ''
  if (!/^\d{1,15}$/.test(stated)) return record.timestampMs
  return Math.min(Number(stated), record.timestampMs)
}
