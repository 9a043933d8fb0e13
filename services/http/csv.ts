import { mapInTurns } from '../../pipelines/in-turns.ts'

/** Tables as RFC 4180 text: the same values as in JSON, under the same names. */

export type CsvCell = string | number | bigint | boolean | null

type Row<Column extends string> = Readonly<Partial<Record<Column, CsvCell>>>

export const CSV_TYPE = 'text/csv; charset=utf-8; header=present'

/** Text that a spreadsheet would run as a formula. */
const FORMULA = /^[=+\-@\t\r]/

/**
 * A header line and one line for each row, in the order of `columns`; null is an empty cell. Text that begins like a
 * formula gets an apostrophe before it, as spreadsheets expect, and every text is quoted: otherwise a spreadsheet set to
 * another separator would cut it into cells, each of which could begin a formula. Numbers stay as they are. A long table
 * is written in parts, one part each turn.
 */
export async function csvInTurns<Column extends string>(
  columns: readonly Column[],
  rows: readonly Row<Column>[],
  turns: { readonly itemsPerTurn: number; readonly pause: () => Promise<void> },
): Promise<string> {
  return linesText(columns, await mapInTurns(rows, turns, (row) => lineText(columns, row)))
}

function lineText<Column extends string>(columns: readonly Column[], row: Row<Column>): string {
  return columns.map((column) => cellText(row[column] ?? null)).join(',')
}

function linesText(columns: readonly string[], lines: readonly string[]): string {
  return `${[columns.join(','), ...lines].join('\r\n')}\r\n`
}

function cellText(cell: CsvCell): string {
  if (cell === null) return ''
  if (typeof cell !== 'string') return String(cell)
  const text = FORMULA.test(cell) ? `'${cell}` : cell
  return `"${text.replaceAll('"', '""')}"`
}
