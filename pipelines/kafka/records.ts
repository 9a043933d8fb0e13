/** What the rest of Hivemeter sees of Kafka: no type of the client library leaves this folder. */

/** One record of a log. `timestampMs` is its LogAppendTime: the receipt, by the broker's clock. */
export interface LogRecord {
  readonly partition: number
  readonly offset: bigint
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** By name; of a name that stands twice the last value. */
  readonly headers: Readonly<Record<string, Buffer>>
  /** All of them as they stand, where `headers` cannot say it: a name that stands twice, or has no value. */
  readonly headerList?: readonly (readonly [name: string, value: Buffer | null])[]
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

/**
 * A partition must stand still until a person acts: going on would guess about money.
 * Shown with its remedy in the log, in a metric and on `/readyz`; other partitions go on.
 */
export class HaltError extends Error {
  readonly code = 'HALTED'
  /** Bounded word for the metric's label. */
  readonly reason: string
  /** What the operator can do, in a sentence. */
  readonly remedy: string

  constructor(reason: string, message: string, remedy: string) {
    super(message)
    this.reason = reason
    this.remedy = remedy
  }
}

/** The process must not run at all: every partition would be wrong. */
export class FatalError extends Error {}
