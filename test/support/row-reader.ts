import { zstdDecompressSync } from 'node:zlib'
import type { TopicAppend } from '../../pipelines/kafka/records.ts'
import { BLOCK_HEADER } from '../../schemas/tables.ts'
import { migrationColumns } from './migration-columns.ts'

/** A cell as a test compares it: integers of 64 bits and more as bigint, UUIDs and bytes as text. */
export type Cell = bigint | number | string | null | readonly Cell[]
export type Row = Readonly<Record<string, Cell>>

/** A block's rows, with what its headers say. */
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
 * Reads a block as ClickHouse would: by its list of columns and the types that the migrations give them. So a row that
 * is written in another order or form than the table's shows.
 */
export function readBlock({ value, headers = {} }: Pick<TopicAppend, 'value' | 'headers'>): ReadBlock {
  const text = (name: string): string => String(headers[name] ?? '')
  const table = text(BLOCK_HEADER.table)
  const types = new Map(COLUMNS.get(table)?.map(({ name, type }) => [name, type]))
  const columns = text(BLOCK_HEADER.columns)
    .split(',')
    .map((name) => ({ name, type: types.get(name) ?? '' }))
  const stored = value ?? Buffer.alloc(0)
  const reader = new RowReader(text(BLOCK_HEADER.encoding) === 'zstd' ? zstdDecompressSync(stored) : stored)
  const rows: Row[] = []
  while (!reader.isAtEnd) {
    rows.push(Object.fromEntries(columns.map(({ name, type }) => [name, reader.read(type)])))
  }
  return {
    table,
    month: text(BLOCK_HEADER.tablePartition),
    seq: Number(text(BLOCK_HEADER.seq)),
    begins: text(BLOCK_HEADER.groupBegins) === '1',
    ends: text(BLOCK_HEADER.groupEnds) === '1',
    rows,
  }
}

const WRAPPED = /^(LowCardinality|SimpleAggregateFunction|Nullable|Array)\((?:\w+, )?(.*)\)$/
const INTEGER = /^(U?)Int(\d+)$/

class RowReader {
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
    if (wrapper === 'Array') return Array.from({ length: this.#length() }, () => this.read(inner))
    if (wrapper !== undefined) return this.read(inner)
    const [, unsigned, bits] = INTEGER.exec(type) ?? []
    if (bits !== undefined) {
      const value = this.#integer(Number(bits) / 8, unsigned === '')
      return Number(bits) > 32 ? value : Number(value)
    }
    if (type === 'String') return this.#take(this.#length()).toString('latin1')
    if (type === 'UUID') return this.#uuid()
    if (type.startsWith('Enum8')) return enumName(type, Number(this.#integer(1, true)))
    if (type.startsWith('DateTime64')) return Number(this.#integer(8, true))
    if (type === 'Date') return Number(this.#integer(2, false))
    if (type.startsWith('DateTime')) return Number(this.#integer(4, false)) * 1_000
    throw new Error(`No reader for the type "${type}".`)
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

  #length(): number {
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
