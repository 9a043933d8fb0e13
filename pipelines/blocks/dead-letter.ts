import type { LetterCode } from '../../schemas/reasons.ts'
import { TABLES } from '../../schemas/tables.ts'
import type { LogRecord } from '../log/records.ts'
import { monthOf } from './block-log.ts'
import type { BlockLog } from './block-log.ts'

const NO_BYTES = Buffer.alloc(0)

/** What is wrong with one event of a source record; index -1 means the record as a whole. */
export interface EventProblem {
  readonly index: number
  readonly code: LetterCode
  readonly detail: string
}

/** One dead letter: a source record, byte for byte, with every reason. */
export interface DeadLetter {
  readonly record: LogRecord
  readonly problems: readonly EventProblem[]
}

/** Writes a dead letter's row; `setAsideAtMs` is log time. */
export function writeDeadLetter(
  log: BlockLog,
  topic: string,
  { record, problems }: DeadLetter,
  setAsideAtMs: number,
): void {
  const { rows, prefix } = log.rowsFor(TABLES.deadLetters, monthOf(record.timestampMs))
  rows.raw(prefix)
  rows.string(topic)
  rows.u16(record.partition)
  rows.u64(Number(record.offset))
  rows.u64(record.timestampMs)
  rows.u64(setAsideAtMs)
  for (const bytes of [record.key, record.value]) {
    rows.u8(bytes === null ? 1 : 0)
    if (bytes !== null) rows.stringBytes(bytes, 0, bytes.length)
  }
  const headers = record.headerList ?? Object.entries(record.headers)
  rows.varint(headers.length)
  for (const [name] of headers) rows.string(name)
  rows.varint(headers.length)
  // A header without value becomes an empty one: the column has no null.
  for (const [, value] of headers) rows.stringBytes(value ?? NO_BYTES, 0, value?.length ?? 0)
  rows.varint(problems.length)
  for (const { code } of problems) rows.string(code)
  rows.varint(problems.length)
  for (const { index } of problems) rows.u32(index)
  rows.varint(problems.length)
  for (const { detail } of problems) rows.string(detail)
}
