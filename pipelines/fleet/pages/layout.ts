/** Workers of a page. A page that changed is written whole, so it is small; and there are many, so it is not tiny. */
export const PAGE_WORKERS = 256

/** How one field of a worker is kept: a column of a page is one typed array of that kind. */
export type FieldKind = 'f64' | 'i64' | 'i32' | 'u32' | 'u16' | 'u8'

const ARRAYS = {
  f64: Float64Array,
  i64: BigInt64Array,
  i32: Int32Array,
  u32: Uint32Array,
  u16: Uint16Array,
  u8: Uint8Array,
} as const

/** The fields that a part of the pipeline keeps of every worker, by name. */
export type Fields = Readonly<Record<string, FieldKind>>

/** The columns of a page for some fields. There is no object for a worker: its place in the page is its index. */
export type Columns<Of extends Fields> = {
  readonly [Name in keyof Of]: InstanceType<(typeof ARRAYS)[Of[Name]]>
}

/** Empty columns, all of them 0, for `workers` workers. */
export function columnsOf<const Of extends Fields>(fields: Of, workers = PAGE_WORKERS): Columns<Of> {
  const columns = Object.entries(fields).map(([name, kind]) => [name, new ARRAYS[kind](workers)])
  return Object.fromEntries(columns) as Columns<Of>
}
