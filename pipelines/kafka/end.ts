import { endCodec, SCHEMA_ID, schemaIdOf } from '../../schemas/avro.ts'

/**
 * Whether a record is the last one of its partition that counts: the version of the topics that it stands in was drained,
 * and the next one goes on. Anybody may write to usage.metered, so it must carry the token that only the layout tells.
 */
export function isEnd(value: Buffer | null, endToken: (() => Buffer | null) | undefined): boolean {
  if (schemaIdOf(value) !== SCHEMA_ID.end || value === null) return false
  const token = endToken?.()
  if (token === undefined || token === null) return false
  try {
    return endCodec.decode(value).token.equals(token)
  } catch {
    return false
  }
}
