import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'

/** A row as ClickHouse sends it: columns of 64 bits and more are text. */
export type TextRow = Readonly<Record<string, unknown>>

/** Where ClickHouse answers over plain HTTP, without a password. */
export interface ClickhouseTarget {
  readonly url: string
  readonly database: string
}

/** The rows of a SELECT without FORMAT, as they stream in. Throws ClickHouse's message where it refuses. */
export async function* queryRows(target: ClickhouseTarget, sql: string): AsyncGenerator<TextRow> {
  const url = new URL(target.url)
  url.searchParams.set('database', target.database)
  url.searchParams.set('output_format_json_quote_64bit_integers', '1')
  const response = await fetch(url, { method: 'POST', body: `${sql} FORMAT JSONEachRow` })
  if (!response.ok || response.body === null) {
    throw new Error(`ClickHouse refuses a query (${response.status}): ${await response.text()}`)
  }
  for await (const line of createInterface({ input: Readable.fromWeb(response.body), crlfDelay: Infinity })) {
    if (line === '') continue
    // An error in the middle of an answer comes as text.
    if (!line.startsWith('{')) throw new Error(`ClickHouse broke off an answer: ${line}`)
    yield JSON.parse(line) as TextRow
  }
}

/** A text cell. Throws for anything else: the statement and this code disagree. */
export function textCell(row: TextRow, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw new Error(`Column ${column} is no text: ${String(value)}`)
  return value
}

/** A whole number that a double holds exactly, quoted or not. */
export function numberCell(row: TextRow, column: string): number {
  const value = Number(row[column] ?? Number.NaN)
  if (!Number.isSafeInteger(value))
    throw new Error(`Column ${column} is no whole number: ${String(row[column])}`)
  return value
}

/** A number or NULL. */
export function nullableCell(row: TextRow, column: string): number | null {
  return row[column] === null ? null : numberCell(row, column)
}

/** A wide integer, which comes as text. */
export function bigintCell(row: TextRow, column: string): bigint {
  const value = row[column]
  return BigInt(typeof value === 'number' ? numberCell(row, column) : textCell(row, column))
}
