import { zstdDecompressSync } from 'node:zlib'
import type { TopicAppend } from '../../../pipelines/log/records.ts'
import { BLOCK_HEADER } from '../../../schemas/tables.ts'
import { migrationColumns } from './migration-columns.ts'

/** A cell as a test compares it: integers of 64 bits and more as bigint, UUIDs and bytes as text. */
export type Cell = bigint | number | string | null | readonly Cell[]
export type Row = Readonly<Record<string, Cell>>

/** The rows of a block, with the content of its headers. */
export interface ReadBlock {
  readonly table: string
  readonly month: string
  readonly seq: number
  readonly begins: boolean
  readonly ends: boolean
  readonly rows: readonly Row[]
}

const COLUMNS = migrationColumns()

/**
 * Reads a block as ClickHouse would: by its list of columns and the types that the migrations give them. So it shows a
 * row that is written in another order or form than the table's.
 */
export function readBlock({ value, headers = {} }: Pick<TopicAppend, 'value' | 'headers'>): ReadBlock {
  const text = (name: string): string => String(headers[name] ?? '')
  const table = text(BLOCK_HEADER.table)
  const types = new Map(COLUMNS.get(table)?.map(({ name, type }) => [name, type]))
  const names = text(BLOCK_HEADER.columns).split(',')
  const stored = value ?? Buffer.alloc(0)
  const reader = new ValueReader(text(BLOCK_HEADER.encoding) === 'zstd' ? zstdDecompressSync(stored) : stored)
  const read = text(BLOCK_HEADER.format) === 'Native' ? readColumns : readRows
  return {
    table,
    month: text(BLOCK_HEADER.tablePartition),
    seq: Number(text(BLOCK_HEADER.seq)),
    begins: text(BLOCK_HEADER.groupBegins) === '1',
    ends: text(BLOCK_HEADER.groupEnds) === '1',
    rows: read(reader, names, types),
  }
}

type ColumnTypes = ReadonlyMap<string, string>

/** RowBinary: row by row, the columns as the block's header lists them. */
function readRows(reader: ValueReader, names: readonly string[], types: ColumnTypes): Row[] {
  const rows: Row[] = []
  while (!reader.isAtEnd) {
    rows.push(Object.fromEntries(names.map((name) => [name, reader.read(types.get(name) ?? '')])))
  }
  return rows
}

/** Native: column by column, each with its name and a type that ClickHouse converts to the table's. */
function readColumns(reader: ValueReader, names: readonly string[], types: ColumnTypes): Row[] {
  const columns = reader.length()
  const count = reader.length()
  const rows: Record<string, Cell>[] = Array.from({ length: count }, () => ({}))
  const found: string[] = []
  for (let column = 0; column < columns; column++) {
    const name = String(reader.read('String'))
    found.push(name)
    const type = unwrapped(types.get(name) ?? '')
    const given = String(reader.read('String'))
    if (unwrapped(given) !== CAST[type] && unwrapped(given) !== type.replace(/^Enum8.*/, 'Int8')) {
      throw new Error(`${name} is ${type} and comes as ${given}.`)
    }
    const cells = given.startsWith('LowCardinality')
      ? reader.readNumbered(count)
      : type in CAST
        ? reader.readColumn(given, count)
        : reader.readColumn(type, count)
    for (const [row, cell] of cells.entries()) (rows[row] ?? {})[name] = cell
  }
  if (!reader.isAtEnd) throw new Error('Bytes follow the last column.')
  for (const name of names.filter((one) => !found.includes(one) && one in LEFT_OUT)) {
    found.push(name)
    for (const row of rows) row[name] = LEFT_OUT[name]?.(row) ?? null
  }
  if (found.toSorted().join() !== names.toSorted().join())
    throw new Error(`${found.join()} is not ${names.join()}.`)
  return rows
}

/** Types of the table into which values of another type are converted when they are inserted. */
const CAST: Readonly<Record<string, string>> = {
  Int128: 'UInt64',
  'Map(LowCardinality(String), String)': 'Map(String, String)',
}

const bigOrNull = (cell: Cell | undefined): Cell =>
  typeof cell === 'number' || typeof cell === 'bigint' ? BigInt(cell) : null

/** Columns that a block may leave out, with the value that the table gives them then. */
const LEFT_OUT: Readonly<Record<string, (row: Row) => Cell>> = {
  wide_tokens_in: (row) => bigOrNull(row['tokens_in']),
  wide_tokens_out: (row) => bigOrNull(row['tokens_out']),
  wide_gpu_ms: (row) => bigOrNull(row['gpu_ms']),
  gpus: () => 1,
  inferences: () => 1,
  tokens_cached: () => null,
  tokens_reasoning: () => null,
  execution: () => 'none',
  labels: () => [],
}

function unwrapped(type: string): string {
  const [, inner] = /^(?:LowCardinality|SimpleAggregateFunction)\((?:\w+, )?(.*)\)$/.exec(type) ?? []
  return inner ?? type
}

const WRAPPED = /^(LowCardinality|SimpleAggregateFunction|Nullable|Array)\((?:\w+, )?(.*)\)$/
const INTEGER = /^(U?)Int(\d+)$/

class ValueReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  read(type: string): Cell {
    const [, wrapper, inner = ''] = WRAPPED.exec(type) ?? []
    if (wrapper === 'Nullable') return this.#integer(1, false) === 0n ? this.read(inner) : null
    if (wrapper === 'Array') return Array.from({ length: this.length() }, () => this.read(inner))
    if (wrapper !== undefined) return this.read(inner)
    const [, unsigned, bits] = INTEGER.exec(type) ?? []
    if (bits !== undefined) {
      const value = this.#integer(Number(bits) / 8, unsigned === '')
      return Number(bits) > 32 ? value : Number(value)
    }
    if (type === 'Float64') return this.#take(8).readDoubleLE()
    if (type === 'String') return this.#take(this.length()).toString('latin1')
    if (type === 'UUID') return this.#uuid()
    if (type.startsWith('Enum8')) return enumName(type, Number(this.#integer(1, true)))
    if (type.startsWith('DateTime64')) return Number(this.#integer(8, true))
    if (type === 'Date') return Number(this.#integer(2, false))
    if (type.startsWith('DateTime')) return Number(this.#integer(4, false)) * 1_000
    throw new Error(`No reader for the type "${type}".`)
  }

  /** A column of Native: where it may be null, its nulls come before its values. */
  readColumn(type: string, rows: number): Cell[] {
    if (type.startsWith('Map')) return this.#readMaps(rows)
    const [, inner] = /^Nullable\((.*)\)$/.exec(type) ?? []
    const nulls = inner === undefined ? null : this.#take(rows)
    return Array.from({ length: rows }, (_, row) => {
      const cell = this.read(inner ?? type)
      return nulls?.[row] === 1 ? null : cell
    })
  }

  /** Map(String, String): the ends of each row's entries, then all keys, then all values; a text for each entry. */
  #readMaps(rows: number): Cell[] {
    const ends = Array.from({ length: rows }, () => Number(this.read('UInt64')))
    const entries = ends.at(-1) ?? 0
    const texts = (): string[] =>
      Array.from({ length: entries }, () => this.#take(this.length()).toString('utf8'))
    const keys = texts()
    const values = texts()
    const all = keys.map((key, entry) => `${key}=${values[entry]}`)
    return ends.map((end, row) => all.slice(ends[row - 1] ?? 0, end))
  }

  /** LowCardinality(String) of Native, as this project writes it. */
  readNumbered(rows: number): Cell[] {
    const [version, flags, count] = [this.read('UInt64'), this.read('UInt64'), Number(this.read('UInt64'))]
    if (version !== 1n || flags !== 0x601n)
      throw new Error(`Keys ${String(version)}, flags ${String(flags)}.`)
    const texts = Array.from({ length: count }, () => this.read('String'))
    if (new Set(texts).size !== count) throw new Error('A text stands twice among the keys.')
    if (this.read('UInt64') !== BigInt(rows)) throw new Error('Not a text for each row.')
    return Array.from({ length: rows }, () => {
      const text = texts[Number(this.read('UInt16'))]
      if (text === undefined) throw new Error('A row names a text that is none.')
      return text
    })
  }

  #take(bytes: number): Buffer {
    if (this.#at + bytes > this.#bytes.length) throw new Error('The block ends within a row.')
    return this.#bytes.subarray(this.#at, (this.#at += bytes))
  }

  #integer(bytes: number, signed: boolean): bigint {
    let value = 0n
    for (const byte of this.#take(bytes).toReversed()) value = (value << 8n) | BigInt(byte)
    return signed ? BigInt.asIntN(bytes * 8, value) : value
  }

  /** Unsigned LEB128. */
  length(): number {
    let length = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#take(1)[0] ?? 0
      length += (byte & 127) * factor
      if (byte < 128) return length
    }
  }

  #uuid(): string {
    return [this.#take(8), this.#take(8)].map((half) => Buffer.from(half).reverse().toString('hex')).join('')
  }
}

function enumName(type: string, value: number): string {
  const [, name] = new RegExp(`'(\\w+)' = ${value}[,)]`).exec(type) ?? []
  if (name === undefined) throw new Error(`${value} is no value of ${type}.`)
  return name
}
