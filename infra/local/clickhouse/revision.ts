import { ColumnCursor, layoutOf } from './column-layout.ts'
import { ClickhouseError } from './errors.ts'

/*
 * The format Native for clients that state which version of the protocol they read (`client_protocol_version`). The
 * engine writes it for the oldest of them, so what newer ones expect is added here: a head for each block, the zones of
 * DateTime, and for each column that its bytes are in the usual order.
 */

/** From this version on a type may be DateTime('zone'). */
const ZONES_FROM = 54_337
/** From this version on a column states whether its bytes are in an order of their own. */
const ORDER_FROM = 54_454

/** Two fields and their end: no overflow row (1), no bucket (2). */
const BLOCK_HEAD = Buffer.from([1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0])
const USUAL_ORDER = Buffer.from([0])
const ZONELESS = 'DateTime'

/** The version that a request names; 0 where it names none. @throws ClickhouseError 27 for a text that is not a number. */
export function protocolVersion(given: string | null): number {
  if (given === null || given === '') return 0
  if (/^\d{1,9}$/.test(given)) return Number(given)
  throw new ClickhouseError(27, 'CANNOT_PARSE_INPUT_ASSERTION_FAILED', `client_protocol_version is no number`)
}

/** True if the result holds a time whose zone, if it has one, the engine has left out. */
export function lacksZones(blocks: Buffer, version: number): boolean {
  if (version < ZONES_FROM) return false
  const cursor = new ColumnCursor(blocks)
  if (cursor.isAtEnd) return false
  return columnsOf(cursor).some(({ type }) => type === ZONELESS)
}

/**
 * A result of the engine in the form of a later version.
 * @param types of its columns as DESCRIBE returns them; needed for the zones only.
 * @throws ClickhouseError 48 for types whose bytes cannot be skipped.
 */
export function inVersion(blocks: Buffer, version: number, types: readonly string[]): Buffer {
  if (version === 0) return blocks
  const cursor = new ColumnCursor(blocks)
  const pieces: Buffer[] = []
  while (!cursor.isAtEnd) {
    pieces.push(BLOCK_HEAD)
    let from = cursor.at
    for (const [number, column] of columnsOf(cursor).entries()) {
      const { type, typeAt, dataAt } = column
      pieces.push(blocks.subarray(from, typeAt))
      from = dataAt
      pieces.push(textOf(type === ZONELESS && version >= ZONES_FROM ? zoned(types[number]) : type))
      if (version >= ORDER_FROM) pieces.push(USUAL_ORDER)
    }
    pieces.push(blocks.subarray(from, cursor.at))
  }
  return Buffer.concat(pieces)
}

interface Column {
  readonly type: string
  /** Where its type begins, and where its bytes do. */
  readonly typeAt: number
  readonly dataAt: number
}

/** The columns of the block that begins here; the cursor is after the block then. */
function columnsOf(cursor: ColumnCursor): Column[] {
  const count = cursor.varint()
  const rows = cursor.varint()
  const columns: Column[] = []
  for (let column = 0; column < count; column++) {
    cursor.skip(cursor.varint())
    const typeAt = cursor.at
    const type = cursor.text()
    columns.push({ type, typeAt, dataAt: cursor.at })
    if (rows === 0) continue
    const layout = layoutOf(type)
    if (layout === undefined)
      throw new ClickhouseError(
        48,
        'NOT_IMPLEMENTED',
        `The local ClickHouse cannot give a column of type ${type} in the format Native to a client that names its ` +
          'protocol version; ask for it as text (toString), or for another format',
      )
    layout.prefix(cursor)
    layout.rows(cursor, rows)
  }
  return columns
}

/** The description may be of a newer state of the tables than what was read: the zone is left out then. */
function zoned(described: string | undefined): string {
  return described?.startsWith(`${ZONELESS}(`) === true ? described : ZONELESS
}

function textOf(text: string): Buffer {
  const bytes = Buffer.from(text)
  const length: number[] = []
  let rest = bytes.length
  for (; rest > 127; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}
