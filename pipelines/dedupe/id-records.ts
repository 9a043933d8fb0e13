import { idsCodec } from '../../schemas/avro.ts'
import type { LogRecord } from '../log/records.ts'
import type { IdMemory } from './id-memory.ts'
import { ENTRY_BYTES, ENTRY_WORDS } from './id-table.ts'

/** Most ids in one record of usage.ids: one send carries it whole. */
const IDS_PER_RECORD_MAX = 36_000

/**
 * The ids that were added to memory since its last record, as values for usage.ids. Each value holds the newest time that
 * its events may have and the number of the last block with their rows, which is all that a restore needs to let them leave
 * again.
 */
export function newIdValues(
  memory: IdMemory,
  said: { readonly newestOccurredAt: number; readonly lastSeq: number },
): Buffer[] {
  const { newestOccurredAt: newest_occurred_at, lastSeq: last_seq } = said
  const values: Buffer[] = []
  for (let from = 0; from < memory.unrecorded; from += IDS_PER_RECORD_MAX) {
    const ids = memory.unrecordedIds(from, Math.min(memory.unrecorded, from + IDS_PER_RECORD_MAX))
    values.push(idsCodec.encode({ newest_occurred_at, last_seq, ids }))
  }
  return values
}

/** Adds the ids of a record of usage.ids to memory, in their order. Its log time is the time of their acceptance. */
export function rememberIds(
  memory: IdMemory,
  value: Buffer,
  { timestampMs, offset }: Pick<LogRecord, 'timestampMs' | 'offset'>,
): void {
  const { ids, newest_occurred_at, last_seq } = idsCodec.decode(value)
  const entry = new Int32Array(ENTRY_WORDS)
  for (let at = 0; at + ENTRY_BYTES <= ids.length; at += ENTRY_BYTES) {
    for (let word = 0; word < ENTRY_WORDS; word++) entry[word] = ids.readInt32LE(at + word * 4)
    memory.add(entry)
  }
  memory.endRecord({
    acceptedAtMs: timestampMs,
    newestOccurredAt: newest_occurred_at,
    lastSeq: last_seq,
    offset,
  })
}
