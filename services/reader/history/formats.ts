import type { FastifyReply } from 'fastify'
import type { TObject } from 'typebox'
import { CSV_TYPE, csvInTurns } from '../../http/csv.ts'
import type { CsvCell } from '../../http/csv.ts'
import { PARQUET_TYPE, parquetFile } from '../../http/parquet/write.ts'
import { columnsOf } from './table-columns.ts'
import type { Integers } from './table-columns.ts'
import { tableHeaders } from './table-name.ts'
import type { TableName } from './table-name.ts'

/** Formats of a table; the first one is used without an Accept header. */
export const FORMATS = ['application/json', 'text/csv'] as const

/** Formats of a table that programs read as columns. */
export const COLUMN_FORMATS = [...FORMATS, PARQUET_TYPE] as const

/** Rows that are turned into an answer before other requests get a turn. */
export const ROWS_PER_TURN = 500

/** A table that can be sent as more than JSON: the type of its rows, and what its name and its headers contain. */
export interface Table {
  readonly item: TObject
  /** The fields of the item that are present; all unless given. */
  readonly columns?: readonly string[]
  readonly rows: readonly Readonly<Partial<Record<string, CsvCell>>>[]
  readonly integers: Integers
  readonly name: TableName
  /** The address of the next page. */
  readonly next?: string | null
}

/** Sends a table as a file. What JSON has in addition to its items is in headers. */
export async function sendTable(
  reply: FastifyReply,
  format: 'text/csv' | typeof PARQUET_TYPE,
  table: Table,
  pause: () => Promise<void>,
): Promise<FastifyReply> {
  const { item, rows, name, next = null } = table
  const columns = table.columns ?? Object.keys(item.properties)
  const headers = tableHeaders(name, format === 'text/csv' ? 'csv' : 'parquet')
  reply.headers(headers)
  if (next !== null) reply.header('link', `<${next}>; rel="next"`)
  if (format === 'text/csv') {
    const turns = { itemsPerTurn: ROWS_PER_TURN, pause }
    return reply.header('content-type', CSV_TYPE).send(await csvInTurns(columns, rows, turns))
  }
  const { 'content-disposition': _, ...about } = headers
  const file = await parquetFile(columnsOf(item, columns, table.integers), rows, { pause, about })
  return reply.header('content-type', PARQUET_TYPE).send(file)
}
