import { SCHEMA_ID, TICK_KEY, schemaIdOf, tickCodec } from '../../schemas/avro.ts'
import { rulesAt } from '../../schemas/since.ts'
import type { Since } from '../../schemas/since.ts'
import type { SourceRecord } from './source.ts'

/** The first rules by which a tick is known by its key. */
const KEYED = 1

/** Whether a record with a tick's schema id is one, by the rules that its offset was judged by. */
export function isTick(record: SourceRecord, since: readonly Since[]): boolean {
  const { key, value, offset } = record
  if (value === null || schemaIdOf(value) !== SCHEMA_ID.tick) return false
  if (rulesAt(since, offset) < KEYED) return true
  if (key === null || !key.equals(Buffer.from(TICK_KEY))) return false
  try {
    tickCodec.decode(value)
    return true
  } catch {
    // Its value is torn, or bytes follow it.
    return false
  }
}
