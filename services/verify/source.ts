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
