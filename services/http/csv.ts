/** Tables as RFC 4180 text: the same values as in JSON, under the same names. */

export type CsvCell = string | number | bigint | boolean | null

export const CSV_TYPE = 'text/csv; charset=utf-8; header=present'

/** Text that a spreadsheet would run as a formula. */
const FORMULA = /^[=+\-@\t\r]/

/**
 * A header line and a line a row, in the order of `columns`; null is an empty cell. Text that begins like a formula gets
 * an apostrophe before it, as spreadsheets mean it, and every text is quoted: a separator of another country would cut it
 * into cells else, each of which could begin a formula. Numbers stay as they are.
 */
export function csvText<Column extends string>(
  columns: readonly Column[],
  rows: readonly Readonly<Partial<Record<Column, CsvCell>>>[],
): string {
  const lines = [columns.join(',')]
  for (const row of rows) lines.push(columns.map((column) => cellText(row[column] ?? null)).join(','))
  return `${lines.join('\r\n')}\r\n`
}

function cellText(cell: CsvCell): string {
  if (cell === null) return ''
  if (typeof cell !== 'string') return String(cell)
  const text = FORMULA.test(cell) ? `'${cell}` : cell
  return `"${text.replaceAll('"', '""')}"`
}
