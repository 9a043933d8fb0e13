import { sinceAt } from '../../schemas/since.ts'
import type { Since } from '../../schemas/since.ts'
import { HaltError } from '../log/records.ts'

/** The state topic holds `what`, and no record that says which position the task has. */
export function taskRecordMissing(place: string, what: string): HaltError {
  return new HaltError(
    'task_record_missing',
    `${place} holds ${what} but no task record.`,
    'Something deleted its newest records: stop all services, put back one copy of all of Kafka, with a copy of ClickHouse that is not newer (docs/backup.md), and start again.',
  )
}

/**
 * The list of rules of a task that continues at `position`: where the rules of this version are new to it, they are added
 * at the end.
 */
export function rulesFrom(place: string, since: readonly Since[], position: number): readonly Since[] {
  try {
    return sinceAt(since, position)
  } catch (error) {
    throw new HaltError(
      'newer_rules',
      `${place}: ${error instanceof Error ? error.message : String(error)}.`,
      'Install the version that ran here last, or a later one.',
    )
  }
}

/** Records that the task has not applied are no longer in its input. */
export function inputDeleted(place: string, start: bigint, position: number): HaltError {
  return new HaltError(
    'input_deleted',
    `${place} begins at ${start}, the task's position is ${position}.`,
    'Records were deleted before they were counted (retention, a tool): stop all services, put back a copy of all of Kafka that still has them, with a copy of ClickHouse that is not newer (docs/backup.md), and start again.',
  )
}

/** The input was longer once: what comes next would be below the position, and would be dropped without being read. */
export function inputOlder(end: bigint, position: bigint): HaltError {
  return new HaltError(
    'input_older',
    `The input ends at ${end}, the task's position is ${position}: the input is an older copy, or its newest records are lost.`,
    'Stop all services, put back one copy of all of Kafka, with a copy of ClickHouse that is not newer (docs/backup.md), and start again.',
  )
}
