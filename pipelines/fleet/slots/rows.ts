import { columnsOf } from '../pages/layout.ts'
import type { Columns, FieldKind } from '../pages/layout.ts'

/** Fields whose values are plain numbers. */
export type NumberFields = Readonly<Record<string, Exclude<FieldKind, 'i64'>>>
export type NumberColumn = Columns<NumberFields>[string]
type NumberColumns = Readonly<Record<string, NumberColumn>>

/** Adds to one value of a column. */
export function add(column: NumberColumn, row: number, amount: number): void {
  column[row] = (column[row] as number) + amount
}

/** Copies a row into a row of other columns, or of the same ones, that have at least the same fields. */
export function copyRow(from: NumberColumns, row: number, to: NumberColumns, toRow: number): void {
  for (const name of Object.keys(from)) {
    const column = to[name]
    if (column !== undefined) column[toRow] = (from[name] as NumberColumn)[row] as number
  }
}

/** Sets every field of a row to 0. */
export function clearRow(columns: NumberColumns, row: number): void {
  for (const column of Object.values(columns)) column[row] = 0
}

/** Columns with room for at least `rows`, and the content of these. Returns the same ones where they have the room. */
export function withRoom<const Of extends NumberFields>(
  fields: Of,
  columns: Columns<Of>,
  rows: number,
): Columns<Of> {
  const from: NumberColumns = columns
  const room = Object.values(from)[0]?.length ?? 0
  if (rows <= room) return columns
  const larger = columnsOf(fields, Math.max(rows, room * 2))
  const into: NumberColumns = larger
  for (const [name, column] of Object.entries(from)) into[name]?.set(column)
  return larger
}
