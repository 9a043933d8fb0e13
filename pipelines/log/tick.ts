import { SCHEMA_ID, TICK_KEY, tickCodec } from '../../schemas/avro.ts'
import { KEYED_TICKS } from '../../schemas/since.ts'
import type { LogAppend, LogRecord } from './records.ts'
import { schemaOf } from './records.ts'

/** Who has written the ticks of a gateway. Those of tasks name the task. */
export const GATEWAY_TICKS = 'gateway'

/** A tick for a partition: it only means that time has passed, or that a transaction marker is needed there. */
export function tickFor(partition: number, writtenBy: string): LogAppend {
  return { partition, key: TICK_KEY, value: tickCodec.encode({ written_by: writtenBy }) }
}

/**
 * Whether a record is a tick by these rules: it has the key of a tick, and its bytes decode completely. A foreign schema
 * registry may give out the same id, and what was acknowledged under that id must not vanish. By earlier rules the id was
 * enough.
 */
export function isTick(record: LogRecord, rules: number): boolean {
  if (schemaOf(record) !== SCHEMA_ID.tick || record.value === null) return false
  if (rules < KEYED_TICKS) return true
  if (record.key?.toString('latin1') !== TICK_KEY) return false
  try {
    tickCodec.decode(record.value)
    return true
  } catch {
    // avsc throws for bytes that are cut off, or that have more bytes after them: the record is set aside like any other
    // such record.
    return false
  }
}

/** Whether a record that is a tick was written by a gateway: while these come, the gateways hear what nodes send. */
export function isOfGateway({ value }: LogRecord): boolean {
  try {
    return value !== null && tickCodec.decode(value).written_by === GATEWAY_TICKS
  } catch {
    // By the first rules the id alone made a tick, whatever its bytes.
    return false
  }
}

/** What is wrong with a record that has a tick's schema id and is not a tick. */
export const NO_TICK = `it has the schema id of a tick, and not the key ${TICK_KEY} or not the bytes of one`
