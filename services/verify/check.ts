import type { Clock } from '../../pipelines/clock.ts'
import type { EndedVersion } from '../../schemas/records.ts'
import type { BlockRole, TopicRole } from '../../schemas/topics.ts'
import type { Differences } from './differences.ts'
import type { CatchUp } from './horizon.ts'
import type { Logs } from './logs.ts'
import type { SourceRecord } from './source.ts'
import type { BlocksBelow, Tables } from './tables.ts'

/**
 * What one pipeline makes, worked out again from its logs. `verify` calls the checks in the order of `CHECKS`: version by
 * version of the topics, oldest first, and in each version its partitions, one after the other.
 */
export interface Check {
  /** The name of its folder. */
  readonly name: string
  /** Topics that it needs, the one that the others follow from first. */
  readonly reads: readonly [TopicRole, ...TopicRole[]]
  /** The task that is checked. */
  readonly task: CheckedTask
  /** A version begins, and all of its topics exist. */
  begin(version: VerifiedVersion): VersionCheck
  /** Some topic of a version was deleted: nothing of that version can be compared. */
  passOver(version: VerifiedVersion): Promise<void>
  /** Compares what concerns all versions together, at the very end, and reports what was done. */
  finish(): CheckCounts
}

/** Where a task keeps its state, and where its rows go. */
export interface CheckedTask {
  readonly state: TopicRole
  readonly blocks: BlockRole
  /** The number of its next block, from its task record. Throws where the record cannot be read. */
  readonly nextSeqOf: (taskRecord: Buffer) => number
}

/** Task records as they were when the comparison of a partition began, by their topic of state; null before the first. */
export type NewestTasks = ReadonlyMap<TopicRole, Buffer | null>

/** A check of one version of the topics. */
export interface VersionCheck {
  /**
   * Finds up to where a partition can be compared while traffic flows: up to its newest task record, or with `catchUp` up to
   * one that has taken what the tasks before it had handed on. Null, after a message about it, where there is none.
   */
  find(partition: number, newest: NewestTasks, catchUp: CatchUp): Promise<PartitionCheck | null>
  /** Compares what concerns all partitions together, after each was compared; for checks that have such values. */
  end?(): Promise<void>
}

/** A check of one partition, up to its horizon. */
export interface PartitionCheck {
  /** The blocks whose rows are compared: `verify` waits until all of them are loaded. */
  readonly blocks: BlocksBelow
  /** The value of `watermarks` for them, as long as nothing newer is loaded; UTC milliseconds. */
  readonly watermarkMs: number
  compare(): Promise<void>
}

/** One version of the topics. */
export interface VerifiedVersion {
  readonly partitions: number
  readonly topics: Readonly<Record<TopicRole, string>>
  readonly logs: Logs
  /** Null for the version in force. */
  readonly ended: EndedVersion | null
  /** Its topics take nothing more, or took nothing more at its end. */
  readonly isClosed: boolean
}

/** What a run of `verify` gives each of its checks. */
export interface VerifyRun {
  readonly tables: Tables
  readonly differences: Differences
  readonly clock: Clock
  /** Longest wait, for each partition, for the services to come as far as the first task was when its comparison began. */
  readonly catchUpMs: number
  readonly signal: AbortSignal
  readonly say: (line: string) => void
  /** The installation's id key, which proves receipts; called where a record has such a proof. */
  readonly idKey: () => Buffer
  /** The records up to now of a topic that has one partition and no versions; none where the topic does not exist. */
  readonly recordsOf: (role: TopicRole) => AsyncIterable<SourceRecord>
}

/** What a check has done, for the report of the result. */
export interface CheckCounts {
  /** In the words of the last line: 12 of `windows`. */
  readonly compared: readonly (readonly [count: number, what: string])[]
  /** Events and requests that a task set aside because it could not decide them. */
  readonly undecided: number
  /** A line for what was compared in another way than from the first record on. */
  readonly otherwise: readonly string[]
  /** A line for what was not compared. */
  readonly leftOut: readonly string[]
}
