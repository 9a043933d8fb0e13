import { endCodec, SCHEMA_ID } from '../../schemas/avro.ts'
import { schemaOf } from './records.ts'
import type { LogRecord } from './records.ts'

/**
 * Whether a record is the last one of its partition that counts: the version of the topics that it belongs to was drained,
 * and the next version continues. Any client may write to usage.metered, so the record must carry the token that only the
 * layout reveals.
 */
export function isEnd(record: LogRecord, endToken: (() => Buffer | null) | undefined): boolean {
  const { value } = record
  if (schemaOf(record) !== SCHEMA_ID.end || value === null) return false
  const token = endToken?.()
  if (token === undefined || token === null) return false
  try {
    return endCodec.decode(value).token.equals(token)
  } catch {
    return false
  }
}
