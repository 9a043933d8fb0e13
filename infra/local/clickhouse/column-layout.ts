/** Reads a body of columns from the front. */
export class ColumnCursor {
  readonly bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length
  }

  skip(bytes: number): void {
    this.at += bytes
    if (this.at > this.bytes.length) throw new RangeError('a column goes beyond the end of its block')
  }

  /** A number of variable length; the lengths of this format fit into a double. */
  varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes.readUInt8(this.at++)
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }

  u64(): number {
    this.skip(8)
    return Number(this.bytes.readBigUInt64LE(this.at - 8))
  }

  text(): string {
    const bytes = this.varint()
    this.skip(bytes)
    return this.bytes.toString('utf8', this.at - bytes, this.at)
  }
}

/** How the bytes of a column are laid out in a block of the format Native, as far as it is needed to skip them. */
export interface ColumnLayout {
  /** What comes once before the rows, for the types within first. */
  readonly prefix: (cursor: ColumnCursor) => void
  readonly rows: (cursor: ColumnCursor, rows: number) => void
}

const NOTHING = (): void => undefined

const fixed = (bytes: number): ColumnLayout => ({
  prefix: NOTHING,
  rows: (cursor, rows) => cursor.skip(rows * bytes),
})

const TEXTS: ColumnLayout = {
  prefix: NOTHING,
  rows: (cursor, rows) => {
    for (let row = 0; row < rows; row++) cursor.skip(cursor.varint())
  },
}

/** Bytes of a value, by the name of its type; the text in brackets after the name does not change them. */
const FIXED_BYTES: Readonly<Record<string, number>> = {
  ...sized(1, 'UInt8 Int8 Bool Enum8 Nothing'),
  ...sized(2, 'UInt16 Int16 Enum16 Date BFloat16'),
  ...sized(4, 'UInt32 Int32 Float32 Date32 DateTime Time IPv4'),
  ...sized(8, 'UInt64 Int64 Float64 DateTime64 Time64'),
  ...sized(16, 'UInt128 Int128 UUID IPv6'),
  ...sized(32, 'UInt256 Int256'),
}

/** Names of the engine for types that it builds from others. */
const ALIASES: Readonly<Record<string, string>> = {
  Point: 'Tuple(Float64, Float64)',
  Ring: 'Array(Point)',
  LineString: 'Array(Point)',
  MultiLineString: 'Array(LineString)',
  Polygon: 'Array(Ring)',
  MultiPolygon: 'Array(Polygon)',
}

function sized(bytes: number, names: string): Record<string, number> {
  return Object.fromEntries(names.split(' ').map((name) => [name, bytes]))
}

/**
 * The layout of a type, by its name as the engine writes it. Undefined for types whose bytes only the engine can skip
 * (states of aggregate functions, JSON, Dynamic, Variant).
 */
export function layoutOf(type: string): ColumnLayout | undefined {
  const { name, parts } = takenApart(type)
  const bytes = FIXED_BYTES[name]
  if (bytes !== undefined) return fixed(bytes)
  if (name.startsWith('Interval')) return fixed(8)
  const alias = ALIASES[name]
  if (alias !== undefined) return layoutOf(alias)
  const [first = '', second = ''] = parts
  switch (name) {
    case 'String':
      return TEXTS
    case 'FixedString':
      return fixed(Number(first))
    case 'Decimal':
      return fixed(decimalBytes(Number(first)))
    case 'SimpleAggregateFunction':
      return layoutOf(second)
    case 'Nullable':
      return nullable(layoutOf(first))
    case 'LowCardinality':
      return numbered(layoutOf(first.replace(/^Nullable\((.*)\)$/s, '$1')))
    case 'Array':
      return array(layoutOf(first))
    case 'Map':
      return array(tuple([first, second]))
    case 'Nested':
      return array(tuple(parts.map(withoutName)))
    case 'Tuple':
      return tuple(parts.map(withoutName))
    default:
      return undefined
  }
}

function decimalBytes(digits: number): number {
  if (digits <= 9) return 4
  if (digits <= 18) return 8
  return digits <= 38 ? 16 : 32
}

function nullable(inner: ColumnLayout | undefined): ColumnLayout | undefined {
  return (
    inner && {
      prefix: inner.prefix,
      rows: (cursor, rows) => {
        cursor.skip(rows)
        inner.rows(cursor, rows)
      },
    }
  )
}

/** Where each row ends, then the rows of all of them. */
function array(inner: ColumnLayout | undefined): ColumnLayout | undefined {
  return (
    inner && {
      prefix: inner.prefix,
      rows: (cursor, rows) => {
        if (rows > 0) cursor.skip((rows - 1) * 8)
        inner.rows(cursor, rows > 0 ? cursor.u64() : 0)
      },
    }
  )
}

function tuple(types: readonly string[]): ColumnLayout | undefined {
  if (types.length === 0) return fixed(1)
  const layouts = types.map(layoutOf)
  if (layouts.includes(undefined)) return undefined
  const inner = layouts as ColumnLayout[]
  return {
    prefix: (cursor) => {
      for (const one of inner) one.prefix(cursor)
    },
    rows: (cursor, rows) => {
      for (const one of inner) one.rows(cursor, rows)
    },
  }
}

/** A dictionary, and the number in it for each row: the lowest byte of the flags gives the width of these numbers. */
function numbered(values: ColumnLayout | undefined): ColumnLayout | undefined {
  return (
    values && {
      prefix: (cursor) => cursor.skip(8),
      rows: (cursor, rows) => {
        if (rows === 0) return
        const flags = cursor.u64()
        values.rows(cursor, cursor.u64())
        cursor.skip(cursor.u64() * 2 ** (flags % 256))
      },
    }
  )
}

/** `Name(part, part)`: brackets and quotes within a part belong to that part. */
function takenApart(type: string): { readonly name: string; readonly parts: readonly string[] } {
  const open = type.indexOf('(')
  if (open < 0) return { name: type, parts: [] }
  const parts: string[] = []
  const inside = type.slice(open + 1, type.lastIndexOf(')'))
  let from = 0
  for (const at of outside(inside)) {
    if (inside[at] !== ',') continue
    parts.push(inside.slice(from, at).trim())
    from = at + 1
  }
  const last = inside.slice(from).trim()
  return { name: type.slice(0, open), parts: last === '' ? parts : [...parts, last] }
}

/** `name Type`, or the type alone. */
function withoutName(part: string): string {
  for (const at of outside(part)) if (part[at] === ' ') return part.slice(at + 1)
  return part
}

/** The places in a text that are outside of brackets and quotes. */
function* outside(text: string): Generator<number, undefined> {
  let depth = 0
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (quote !== '') {
      if (character === '\\') at++
      else if (character === quote) quote = ''
      continue
    }
    if (character === "'" || character === '`') quote = character
    else if (character === '(') depth++
    else if (character === ')') depth--
    else if (depth === 0) yield at
  }
}
