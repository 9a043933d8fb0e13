import { idsCodec } from '../../schemas/avro.ts'
import type { IdMemory } from './id-memory.ts'

/** Ids in one record of usage.ids: one send carries it whole. */
const IDS_PER_RECORD_MAX = 36_000

/**
 * The ids that came into memory since its last record, as values for usage.ids: each says how new their events are at most
 * and the number of the last block that has their rows, all that a restore needs to let them go again.
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
