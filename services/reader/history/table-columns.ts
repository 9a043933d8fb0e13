import type { TObject } from 'typebox'
import type { Column, ColumnKind } from '../../http/parquet/columns.ts'

/** Whether integers of a table always fit into 64 bits, or are sums that may not. */
export type Integers = 'integer' | 'sum'

interface FieldSchema {
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly enum?: readonly unknown[]
}

/** The columns of a Parquet file, from the schema that JSON is written by. */
export function columnsOf(item: TObject, names: readonly string[], integers: Integers): Column[] {
  const required: readonly string[] = (item as { readonly required?: readonly string[] }).required ?? []
  return names.map((name) => {
    const schema: FieldSchema | undefined = item.properties[name]
    const types = [schema?.type ?? 'string'].flat()
    // An optional field is listed only where it is present.
    const isNullable = types.includes('null') || !required.includes(name)
    return { name, kind: kindOf(name, types, schema?.format, integers), isNullable }
  })
}

function kindOf(
  name: string,
  types: readonly string[],
  format: string | undefined,
  integers: Integers,
): ColumnKind {
  if (types.includes('boolean')) return 'flag'
  if (types.includes('integer')) return integers
  if (types.includes('number')) return 'double'
  if (format === 'date-time') return 'time'
  return name.endsWith('_exact') ? 'amount' : 'text'
}
