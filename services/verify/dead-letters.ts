import type { Differences, Row } from './differences.ts'
import type { SourceRecord } from './source.ts'
import type { TextRow } from './tables.ts'

/** A record about which dead_letters must have a row. */
export interface SetAside {
  readonly record: SourceRecord
  /** One for each refused event, in order; index -1 where it is the record itself. */
  readonly reasons: readonly { readonly index: number; readonly reason: string }[]
}

/** The name of a dead letter for a person, and for `npm run replay`. */
function deadLetterKey(topic: string, partition: number, offset: bigint | string): string {
  return `${topic}/${partition}/${offset}`
}

const hex = (bytes: Buffer | null): string | null => bytes?.toString('hex').toUpperCase() ?? null

function reasonsOf(reasons: readonly { readonly index: number; readonly reason: string }[]): string[] {
  return reasons
    .toSorted((left, right) => left.index - right.index)
    .map(({ index, reason }) => `${index} ${reason}`)
}

/** The row of dead_letters that a record set aside must have: its bytes, and every reason with the event's index. */
function deadLetterRow({ record, reasons }: SetAside): Row {
  const headers = record.headerList ?? Object.entries(record.headers)
  return {
    received_at: record.timestampMs,
    key: hex(record.key),
    value: hex(record.value),
    header_names: headers.map(([name]) => name),
    header_values: headers.map(([, value]) => hex(value) ?? ''),
    reasons: reasonsOf(reasons),
  }
}

/** Compares dead_letters of one partition of a source topic with the records that must be set aside. */
export async function compareDeadLetters(
  differences: Differences,
  topic: string,
  partition: number,
  setAside: readonly SetAside[],
  found: readonly TextRow[],
): Promise<void> {
  const keyOf = (offset: bigint | string): string => deadLetterKey(topic, partition, offset)
  await differences.compareRows(
    'dead_letters',
    new Map(setAside.map((letter) => [keyOf(letter.record.offset), deadLetterRow(letter)])),
    found.map((row) => [keyOf(String(row['record_offset'])), foundDeadLetter(row)] as const),
  )
}

/** A row of dead_letters in the shape of `deadLetterRow`. */
function foundDeadLetter(row: TextRow): Row {
  const [reasons, indexes] = [row['reasons'], row['indexes']]
  if (!Array.isArray(reasons) || !Array.isArray(indexes)) return row
  return {
    ...row,
    reasons: reasonsOf(
      reasons.map((reason, at) => ({ index: Number(indexes[at] ?? Number.NaN), reason: String(reason) })),
    ),
  }
}
