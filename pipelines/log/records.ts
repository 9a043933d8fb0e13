import { schemaIdOf } from '../../schemas/avro.ts'
import type { HaltReason } from '../../schemas/reasons.ts'

/** What Hivemeter sees of a log, whatever client reads and writes it: no type of a client library leaves pipelines/kafka. */

/** One record of a log. `timestampMs` is its LogAppendTime: the receipt, by the broker's clock. */
export interface LogRecord {
  readonly partition: number
  readonly offset: bigint
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** By name; of a name that stands twice the last value. */
  readonly headers: Readonly<Record<string, Buffer>>
  /**
   * The record stands for a whole batch that cannot be unpacked: `value` is the batch itself, up to a bound, and none of
   * the schemas' frames. Offsets through `lastOffset` are its own.
   */
  readonly unreadable?: { readonly reason: string; readonly lastOffset: bigint }
  /** All of them as they stand, where `headers` cannot say it: a name that stands twice, or has no value. */
  readonly headerList?: readonly (readonly [name: string, value: Buffer | null])[]
}

/** The schema id of a record's value; null where the framing is not ours, or the value is a batch that cannot be unpacked. */
export function schemaOf({ value, unreadable }: LogRecord): number | null {
  return unreadable === undefined ? schemaIdOf(value) : null
}

/** The code of a letter for a batch that cannot be unpacked. */
export const CANNOT_BE_UNPACKED = 'cannot_be_unpacked'

/** Why a batch that cannot be unpacked is set aside, or stops its reader; null for every other record. */
export function unreadableDetail({ offset, unreadable }: LogRecord): string | null {
  if (unreadable === undefined) return null
  return `the batch of offsets ${offset} to ${unreadable.lastOffset} cannot be unpacked: ${unreadable.reason}`
}

/** A record to be written. The partition is always named: a retry must rebuild the same batch. */
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
 * A partition must stand still until a person acts: going on would guess about money.
 * Shown with its remedy in the log, in a metric and on `/readyz`; other partitions go on.
 */
export class HaltError extends Error {
  readonly code = 'HALTED'
  /** Bounded word for the metric's label. */
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

/** A batch that nobody can read stands where every record counts. */
export function batchUnreadable(place: string, record: LogRecord): HaltError {
  return new HaltError(
    'batch_unreadable',
    `In ${place} ${unreadableDetail(record) ?? `the record at ${record.offset} cannot be read`}.`,
    'Only this installation writes there: find out what wrote or changed the batch, put back one copy of all of Kafka, with a copy of ClickHouse that is not newer (docs/backup.md), and start again.',
  )
}
