import { flag, i32, struct, text } from './thrift.ts'
import type { Fields } from './thrift.ts'

/**
 * Kinds of columns: UTF-8 text; a time in UTC to the millisecond; true or false; a double; an integer of 64 bits; an integer of
 * up to 38 digits, for sums; an amount of up to 38 digits, 9 of them behind the point.
 */
export type ColumnKind = 'text' | 'time' | 'flag' | 'double' | 'integer' | 'sum' | 'amount'

export interface Column {
  readonly name: string
  readonly kind: ColumnKind
  readonly isNullable: boolean
}

/** A value as an answer has it: times as RFC 3339, amounts as decimal text. */
export type Cell = string | number | bigint | boolean | null | undefined

const BOOLEAN = 0
const INT64 = 2
const DOUBLE = 5
const BYTE_ARRAY = 6
const FIXED = 7

const WIDE_BYTES = 16
const DIGITS = 38
const SCALE = 9
const WIDE_BITS = 128

const decimal = (scale: number): Fields => ({
  1: i32(FIXED),
  2: i32(WIDE_BYTES),
  6: i32(5),
  7: i32(scale),
  8: i32(DIGITS),
  10: struct({ 5: struct({ 1: i32(scale), 2: i32(DIGITS) }) }),
})

/** How a kind appears in the schema: fields of Parquet's SchemaElement. */
const ELEMENTS: Readonly<Record<ColumnKind, Fields>> = {
  text: { 1: i32(BYTE_ARRAY), 6: i32(0), 10: struct({ 1: struct({}) }) },
  time: {
    1: i32(INT64),
    6: i32(9),
    10: struct({ 8: struct({ 1: flag(true), 2: struct({ 1: struct({}) }) }) }),
  },
  flag: { 1: i32(BOOLEAN) },
  double: { 1: i32(DOUBLE) },
  integer: { 1: i32(INT64) },
  sum: decimal(0),
  amount: decimal(SCALE),
}

const REQUIRED = 0
const OPTIONAL = 1

/** The column's SchemaElement. */
export function elementOf({ name, kind, isNullable }: Column): Fields {
  return { ...ELEMENTS[kind], 3: i32(isNullable ? OPTIONAL : REQUIRED), 4: text(name) }
}

/** The column's type, as the column's own metadata repeats it. */
export function typeOf({ kind }: Column): number {
  const type = ELEMENTS[kind][1]
  return type?.type === 'i32' ? type.value : 0
}

/** A column's values as a page holds them before it is packed: first which of them are present, then these values, PLAIN. */
export function pageBytes({ kind, isNullable, name }: Column, cells: readonly Cell[]): Buffer {
  const present = cells.filter((cell) => cell !== null && cell !== undefined)
  if (!isNullable && present.length < cells.length)
    throw new Error(`The column ${name} has no value in some row.`)
  const values = kind === 'flag' ? bits(present.map(Boolean)) : Buffer.concat(present.map(WRITE[kind]))
  if (!isNullable) return values
  const levels = bits(cells.map((cell) => cell !== null && cell !== undefined))
  // One run of packed bits: the number of its groups of eight, doubled, plus one.
  const head = varint(2 * Math.ceil(cells.length / 8) + 1)
  return Buffer.concat([uint32(head.length + levels.length), head, levels, values])
}

const WRITE: Readonly<Record<Exclude<ColumnKind, 'flag'>, (cell: Cell) => Buffer>> = {
  text: (cell) => {
    const encoded = Buffer.from(String(cell))
    return Buffer.concat([uint32(encoded.length), encoded])
  },
  time: (cell) => int64(BigInt(Date.parse(String(cell)))),
  double: (cell) => {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleLE(Number(cell))
    return bytes
  },
  integer: (cell) => int64(BigInt(String(cell))),
  sum: (cell) => wide(BigInt(String(cell))),
  amount: (cell) => wide(scaled(String(cell))),
}

/** Decimal text in units of its last place. */
function scaled(amount: string): bigint {
  const [whole = '', fraction = ''] = amount.split('.')
  return BigInt(`${whole}${fraction.padEnd(SCALE, '0')}`)
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(value)
  return bytes
}

/** Two's complement, the high byte first: the only number in this format that is written so. */
function wide(value: bigint): Buffer {
  return Buffer.from(
    BigInt.asUintN(WIDE_BITS, value)
      .toString(16)
      .padStart(2 * WIDE_BYTES, '0'),
    'hex',
  )
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function bits(flags: readonly boolean[]): Buffer {
  const bytes = Buffer.alloc(Math.ceil(flags.length / 8))
  for (const [at, isSet] of flags.entries())
    if (isSet) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7))
  return bytes
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}
