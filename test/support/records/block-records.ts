import type { LogRecord } from '../../../pipelines/log/records.ts'
import { BLOCK_HEADER } from '../../../schemas/tables.ts'

/** Records of a block topic for tests of the loader; each row is its own number. */

export interface BlockFields {
  readonly seq: number
  readonly offset: bigint
  readonly table?: string
  readonly columns?: string
  readonly month?: string
  readonly begins?: boolean
  readonly ends?: boolean
  readonly after?: string | undefined
  readonly timestampMs?: number
}

/** A block of one row: the four bytes of its number. */
export function blockRecord(fields: BlockFields): LogRecord {
  const { seq, offset, table = 'usage_events', columns = 'a,b', month = '202601' } = fields
  const headers: Record<string, Buffer> = {
    [BLOCK_HEADER.table]: Buffer.from(table),
    [BLOCK_HEADER.columns]: Buffer.from(columns),
    [BLOCK_HEADER.tablePartition]: Buffer.from(table === 'watermarks' ? '' : month),
    [BLOCK_HEADER.seq]: Buffer.from(String(seq)),
  }
  if (fields.begins === true) headers[BLOCK_HEADER.groupBegins] = Buffer.from('1')
  if (fields.ends === true) headers[BLOCK_HEADER.groupEnds] = Buffer.from('1')
  if (fields.after !== undefined) headers[BLOCK_HEADER.after] = Buffer.from(fields.after)
  const value = Buffer.alloc(4)
  value.writeUInt32LE(seq)
  return { partition: 0, offset, timestampMs: fields.timestampMs ?? 0, key: null, value, headers }
}
