import type { Failpoint } from '../../../pipelines/failpoints.ts'
import type { LogProducer } from '../../../pipelines/log/producer.ts'
import type { LogRecord } from '../../../pipelines/log/records.ts'
import type { TaskWriter } from '../../../pipelines/task/ports.ts'

/** A broker under test, with topics for this run alone. Partition 0 of each is used. */
export interface BrokerTarget {
  readonly topics: { readonly state: string; readonly blocks: string }
  /** A transactional writer; with `failpoint` a test stops it at one of its points. */
  openWriter(transactionalId: string, failpoint?: Failpoint): TaskWriter
  /** The committed records of a topic up to its current last stable offset. */
  read(topic: string): Promise<LogRecord[]>
  /** What a restore of the state topic gets when it reads up to `through`. */
  restore(through: bigint): Promise<LogRecord[]>
  /** Offsets that the topic holds; `end` is the last stable one. */
  range(topic: string): Promise<{ readonly start: bigint; readonly end: bigint }>
  deleteBefore(topic: string, offset: bigint): Promise<void>
  /** Lets the broker's own time pass. */
  pass(ms: number): Promise<void>
  close(): Promise<void>
}

/** Brokers under test for the guarantees that producers need, with a topic for this run alone. */
export interface ProducingTarget {
  readonly topic: string
  readonly partitions: number
  openProducer(): LogProducer
  openWriter(transactionalId: string): TaskWriter
  /** The committed records of a partition that are stable now. */
  read(partition: number): Promise<LogRecord[]>
  /** The answers to the next so many Produce requests are lost; the brokers have done the requests. */
  readonly loseAnswers: (count: number) => void
  /** From now on every answer comes later by this much. */
  readonly delayAnswers: (ms: number) => void
  /** When it resolves, another broker leads the partition; null where there is no other broker. */
  readonly moveLeader: ((partition: number) => Promise<void>) | null
  /** Lets the brokers' own time pass. */
  pass(ms: number): Promise<void>
  close(): Promise<void>
}
