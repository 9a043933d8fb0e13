/** Thrift's compact protocol, as far as the heads of a Parquet file need it. */

const TYPES = { flag: 1, i32: 5, i64: 6, text: 8, list: 9, struct: 12 } as const

/** A `false` has a type of its own where it is a field. */
const FALSE = 2

/** A list gives its length in four bits if it is below this. */
const SHORT_LIST = 15

/** A field whose number is at most 15 above the last one shares one byte with its type. */
const SHORT_DELTA = 15

/** A value with its type. */
export type Thrift =
  | { readonly type: 'flag'; readonly value: boolean }
  | { readonly type: 'i32' | 'i64'; readonly value: number }
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'list'; readonly of: keyof typeof TYPES; readonly value: readonly Thrift[] }
  | { readonly type: 'struct'; readonly value: Fields }

/** Fields by their number, which rises; undefined where a field is absent. */
export type Fields = Readonly<Record<number, Thrift | undefined>>

export const flag = (value: boolean): Thrift => ({ type: 'flag', value })
export const i32 = (value: number): Thrift => ({ type: 'i32', value })
export const i64 = (value: number): Thrift => ({ type: 'i64', value })
export const text = (value: string): Thrift => ({ type: 'text', value })
export const struct = (value: Fields): Thrift => ({ type: 'struct', value })
export const list = (of: keyof typeof TYPES, value: readonly Thrift[]): Thrift => ({
  type: 'list',
  of,
  value,
})

/** The bytes of a struct. */
export function thriftBytes(fields: Fields): Buffer {
  const bytes: number[] = []
  writeStruct(bytes, fields)
  return Buffer.from(bytes)
}

function writeStruct(bytes: number[], fields: Fields): void {
  let last = 0
  // The numeric keys of an object come in rising order.
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    const id = Number(name)
    const type = value.type === 'flag' && !value.value ? FALSE : TYPES[value.type]
    if (id - last <= SHORT_DELTA) bytes.push(((id - last) << 4) | type)
    else {
      bytes.push(type)
      writeVarint(bytes, zigzag(id))
    }
    if (value.type !== 'flag') writeValue(bytes, value)
    last = id
  }
  bytes.push(0)
}

function writeValue(bytes: number[], thrift: Thrift): void {
  switch (thrift.type) {
    case 'flag':
      bytes.push(thrift.value ? TYPES.flag : FALSE)
      break
    case 'i32':
    case 'i64':
      writeVarint(bytes, zigzag(thrift.value))
      break
    case 'text': {
      const encoded = Buffer.from(thrift.value)
      writeVarint(bytes, BigInt(encoded.length))
      bytes.push(...encoded)
      break
    }
    case 'list':
      if (thrift.value.length < SHORT_LIST) bytes.push((thrift.value.length << 4) | TYPES[thrift.of])
      else {
        bytes.push((SHORT_LIST << 4) | TYPES[thrift.of])
        writeVarint(bytes, BigInt(thrift.value.length))
      }
      for (const value of thrift.value) writeValue(bytes, value)
      break
    case 'struct':
      writeStruct(bytes, thrift.value)
  }
}

function zigzag(value: number): bigint {
  const wide = BigInt(value)
  return wide < 0n ? -2n * wide - 1n : 2n * wide
}

function writeVarint(bytes: number[], value: bigint): void {
  let rest = value
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
}
