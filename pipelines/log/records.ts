import { schemaIdOf } from '../../schemas/avro.ts'
import type { HaltReason } from '../../schemas/reasons.ts'

/** What Hivemeter sees of a log, whatever client reads and writes it. No type of a client library leaves pipelines/kafka. */

/** One record of a log. `timestampMs` is its LogAppendTime: the receipt, by the broker's clock. */
export interface LogRecord {
  readonly partition: number
  readonly offset: bigint
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** By name. Where a name occurs twice, this is its last value. */
  readonly headers: Readonly<Record<string, Buffer>>
  /**
   * The record represents a whole batch that cannot be unpacked: `value` is the batch itself, up to a bound, and is not
   * framed by the schemas. It covers the offsets through `lastOffset`.
   */
  readonly unreadable?: { readonly reason: string; readonly lastOffset: bigint }
  /** All headers as they are in the log, where `headers` cannot express them: a name occurs twice, or has no value. */
  readonly headerList?: readonly (readonly [name: string, value: Buffer | null])[]
}

/** The schema id of a record's value; null where the framing is not ours, or the value is a batch that cannot be unpacked. */
export function schemaOf({ value, unreadable }: LogRecord): number | null {
  return unreadable === undefined ? schemaIdOf(value) : null
}

/** The code of a dead letter for a batch that cannot be unpacked. */
export const CANNOT_BE_UNPACKED = 'cannot_be_unpacked'

/** Why a batch that cannot be unpacked is set aside, or stops its reader; null for every other record. */
export function unreadableDetail({ offset, unreadable }: LogRecord): string | null {
  if (unreadable === undefined) return null
  return `the batch of offsets ${offset} to ${unreadable.lastOffset} cannot be unpacked: ${unreadable.reason}`
}

/** A record to be written. It always names its partition: a retry must rebuild the same batch. */
export interface LogAppend {
  readonly partition: number
  readonly key: string | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, string | Buffer>>
}

/** A record to be written to a named topic, within a task's transaction. */
export interface TopicAppend extends LogAppend {
  readonly topic: string
}

/** Offsets that a partition holds: `[start, end)`, the end being the last stable offset. */
export interface LogRange {
  readonly start: bigint
  readonly end: bigint
}

/**
 * A partition must not continue until a person acts: going on would be a guess about money. It is shown with its remedy in
 * the log, in a metric and on `/readyz`; other partitions continue.
 */
export class HaltError extends Error {
  readonly code = 'HALTED'
  /** A word from a bounded list, for the metric's label. */
  readonly reason: HaltReason
  /** What the operator can do, in a sentence. */
  readonly remedy: string

  constructor(reason: HaltReason, message: string, remedy: string) {
    super(message)
    this.reason = reason
    this.remedy = remedy
  }
}

/** The process must not run at all: every partition would be wrong. */
export class FatalError extends Error {}

/** The halt at a batch that cannot be read, in a log where every record counts. */
export function batchUnreadable(place: string, record: LogRecord): HaltError {
  return new HaltError(
    'batch_unreadable',
    `In ${place} ${unreadableDetail(record) ?? `the record at ${record.offset} cannot be read`}.`,
    'Only this installation writes there: find out what wrote or changed the batch, put back one copy of all of Kafka, with a copy of ClickHouse that is not newer (docs/backup.md), and start again.',
  )
}
