import { promisify } from 'node:util'
import { constants as zlib, zstdCompress } from 'node:zlib'
import { VERSION } from '../../../schemas/version.ts'
import { elementOf, pageBytes, typeOf } from './columns.ts'
import type { Cell, Column } from './columns.ts'
import { i32, i64, list, struct, text, thriftBytes } from './thrift.ts'
import type { Thrift } from './thrift.ts'

/**
 * Tables as Apache Parquet: the values that JSON has, under the same names, with their types. One row group, one page for
 * each column, PLAIN and packed with zstd: every reader knows these. The file is written here because its values are made
 * here: hours and days of a time zone, what is final, and the rounded numbers are not columns of ClickHouse.
 */

export const PARQUET_TYPE = 'application/vnd.apache.parquet'

const MAGIC = Buffer.from('PAR1')
const ZSTD = 6
const PLAIN = 0
const RLE = 3
const DATA_PAGE = 0

const packed = promisify(zstdCompress)
const PACK = { params: { [zlib.ZSTD_c_compressionLevel]: 1 } }

type Row = Readonly<Partial<Record<string, Cell>>>

interface Chunk {
  readonly bytes: Buffer
  /** Size before the page is packed. */
  readonly plainBytes: number
}

/** The file; `pause` gives other requests a turn between the columns, and the file holds `about` as text. */
export async function parquetFile(
  columns: readonly Column[],
  rows: readonly Row[],
  {
    pause,
    about = {},
  }: { readonly pause: () => Promise<void>; readonly about?: Readonly<Record<string, string>> },
): Promise<Buffer> {
  const parts: Buffer[] = [MAGIC]
  const chunks: Thrift[] = []
  let offset = MAGIC.length
  let plainBytes = 0
  for (const column of rows.length === 0 ? [] : columns) {
    await pause()
    const chunk = await chunkOf(column, rows)
    parts.push(chunk.bytes)
    chunks.push(metadataOf(column, chunk, rows.length, offset))
    offset += chunk.bytes.length
    plainBytes += chunk.plainBytes
  }
  const group = struct({
    1: list('struct', chunks),
    2: i64(plainBytes),
    3: i64(rows.length),
    6: i64(offset - MAGIC.length),
  })
  const root = struct({ 4: text('schema'), 5: i32(columns.length) })
  const fileMetadata = Object.entries(about).map(([key, value]) => struct({ 1: text(key), 2: text(value) }))
  const foot = thriftBytes({
    1: i32(1),
    2: list('struct', [root, ...columns.map((column) => struct(elementOf(column)))]),
    3: i64(rows.length),
    4: list('struct', rows.length === 0 ? [] : [group]),
    5: list('struct', fileMetadata),
    6: text(`hivemeter version ${VERSION}`),
  })
  const footBytes = Buffer.alloc(4)
  footBytes.writeUInt32LE(foot.length)
  return Buffer.concat([...parts, foot, footBytes, MAGIC])
}

async function chunkOf(column: Column, rows: readonly Row[]): Promise<Chunk> {
  const plain = pageBytes(
    column,
    rows.map((row) => row[column.name]),
  )
  const page = await packed(plain, PACK)
  const head = thriftBytes({
    1: i32(DATA_PAGE),
    2: i32(plain.length),
    3: i32(page.length),
    5: struct({ 1: i32(rows.length), 2: i32(PLAIN), 3: i32(RLE), 4: i32(RLE) }),
  })
  return { bytes: Buffer.concat([head, page]), plainBytes: head.length + plain.length }
}

function metadataOf(column: Column, chunk: Chunk, rows: number, offset: number): Thrift {
  const metadata = struct({
    1: i32(typeOf(column)),
    2: list('i32', [i32(PLAIN), i32(RLE)]),
    3: list('text', [text(column.name)]),
    4: i32(ZSTD),
    5: i64(rows),
    6: i64(chunk.plainBytes),
    7: i64(chunk.bytes.length),
    9: i64(offset),
  })
  return struct({ 2: i64(offset), 3: metadata })
}
