/** A record of a log, as `pipelines/kafka/read.ts` returns it. */
export interface SourceRecord {
  readonly partition: number
  readonly offset: bigint
  /** LogAppendTime: the receipt, by the broker's clock. */
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer>>
  /** The record is a batch that cannot be unpacked: `value` is the batch, not a framed value of a schema. */
  readonly unreadable?: { readonly reason: string; readonly lastOffset: bigint }
  /** All headers, where a name occurs twice or has no value. */
  readonly headerList?: readonly (readonly [name: string, value: Buffer | null])[]
}
