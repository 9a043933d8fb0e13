import { HaltError } from '../log/records.ts'

/** What ClickHouse reports about one partition of a block topic; zeros where nothing of it was ever loaded. */
export interface StoredMark {
  /** The installations that the tables name; there should be one. */
  readonly installationIds: readonly string[]
  /** Everything up to this number is loaded. */
  readonly seq: number
  /** The watermark that this number's transaction ended with, and the input's position after it. */
  readonly watermarkMs: number
  /** 0 where an earlier version wrote it. */
  readonly position: number
  /** The block topic was at least this long at that time; 0 where its length was not known. */
  readonly blocksEnd: bigint
  /** Up to this number, blocks had already been inserted before the tables came back from an older copy. */
  readonly reloadThrough: number
  /** Up to this number an operator allows blocks to be missing from the log. */
  readonly missingThrough: number
}

/** The position of a partition's task, according to its newest task record. */
export interface TaskMark {
  /** Number of its last block. */
  readonly lastSeq: number
  readonly watermarkMs: number
  readonly position: number
}

const ONE_COPY =
  'Stop all services, put back copies of Kafka and ClickHouse that belong together, Kafka as the newer one (docs/backup.md), and start again.'

/** Why the tables do not belong to this installation; null where they do. */
export function foreignStore(installationId: string, { installationIds }: StoredMark): HaltError | null {
  if (installationIds.length === 1 && installationIds[0] === installationId) return null
  const found =
    installationIds.length === 0 ? 'no installation' : `installation ${installationIds.join(', ')}`
  return new HaltError(
    'other_installation',
    `Kafka belongs to installation ${installationId}, ClickHouse names ${found}.`,
    'Stop this service, run npm run migrate, and do what it says.',
  )
}

/**
 * Whether a task may continue to write, given what ClickHouse holds: null, or the halt. Numbers that ClickHouse has and the
 * log does not were given to rows that are gone from the log. If they were used again, the new rows would be considered
 * loaded.
 */
export function taskMisfit(place: string, task: TaskMark, stored: StoredMark): HaltError | null {
  if (stored.seq > task.lastSeq) {
    return kafkaOlder(
      `ClickHouse has blocks of ${place} up to number ${stored.seq}, the newest task record knows of ${task.lastSeq}`,
    )
  }
  // An earlier version wrote it: there is nothing more to compare.
  if (stored.position === 0) return null
  const isSame = stored.position === task.position && stored.watermarkMs === task.watermarkMs
  const isBelow = stored.position <= task.position && stored.watermarkMs <= task.watermarkMs
  if (stored.seq === task.lastSeq ? isSame : isBelow) return null
  return otherHistory(place, stored.seq)
}

/** Whether the block log is shorter than it was when it wrote what ClickHouse holds: null, or the halt. */
export function logMisfit(place: string, logEnd: bigint, stored: StoredMark): HaltError | null {
  if (logEnd >= stored.blocksEnd) return null
  return kafkaOlder(
    `${place} ends at ${logEnd}; it was at least ${stored.blocksEnd} long when ClickHouse was loaded`,
  )
}

/**
 * Compares the end of the previous transaction, which a transaction's first block names in `after` (written by
 * `historyOf`), with the tables: null, or the halt.
 */
export function historyMisfit(place: string, after: string | null, stored: StoredMark): HaltError | null {
  if (after === null || stored.position === 0 || after === historyOf(stored)) return null
  return otherHistory(place, stored.seq)
}

/** A transaction's end as one word: two histories of one log have different words at the same number. */
export function historyOf({ position, watermarkMs }: Pick<TaskMark, 'position' | 'watermarkMs'>): string {
  return `${position}/${watermarkMs}`
}

/** The reverse of `historyOf`. */
export function endOf(history: string): Pick<TaskMark, 'position' | 'watermarkMs'> {
  const [position = '', watermarkMs = ''] = history.split('/')
  return { position: Number(position), watermarkMs: Number(watermarkMs) }
}

function kafkaOlder(seen: string): HaltError {
  return new HaltError('kafka_older', `Kafka is older than ClickHouse: ${seen}.`, ONE_COPY)
}

function otherHistory(place: string, seq: number): HaltError {
  return new HaltError(
    'other_history',
    `Block ${seq} of ${place} is another one in ClickHouse than in the log: the log was put back from an older copy and written on.`,
    ONE_COPY,
  )
}
