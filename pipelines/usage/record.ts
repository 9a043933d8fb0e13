import type { AggregatorTask } from '../../schemas/records.ts'
import { RECEIPT_HEADER, WATERMARK_DELAY_MS } from '../../schemas/usage.ts'
import type { LogRecord } from '../kafka/records.ts'
import type { EventProblem } from '../load/dead-letter.ts'

/** What is wrong with a record of usage.metered that is none of its kinds. */
export function unknownRecord(schemaId: number | null): EventProblem {
  return schemaId === null
    ? { index: -1, code: 'framing', detail: 'the value does not begin with 0 and a schema id' }
    : { index: -1, code: 'unknown_schema', detail: `schema id ${schemaId} is not one of usage.metered` }
}

/** The original receipt that only the replay command may state; nonsense counts as absent. */
export function originalReceipt(record: LogRecord): number | null {
  const stated = record.headers[RECEIPT_HEADER]?.toString('latin1')
  if (stated === undefined || !/^\d{1,15}$/.test(stated)) return null
  const receipt = Number(stated)
  return receipt <= record.timestampMs ? receipt : null
}

/** The watermark follows the newest record taken, and never falls. */
export function raiseWatermark(task: Pick<AggregatorTask, 'watermark'>, record: LogRecord): void {
  task.watermark = Math.max(task.watermark, record.timestampMs - WATERMARK_DELAY_MS)
}

/** Where a task stands that has never committed; `fingerprint` is the id key's. */
export function newTask(fingerprint: Buffer): AggregatorTask {
  return {
    position: 0,
    next_seq: 1,
    watermark: 0,
    id_key_fingerprint: fingerprint,
    low: null,
    evicted_seq: 0,
    models_version: 0,
    models: [],
    loaded_seq: 0,
    oldest_unloaded_at: null,
    ended: false,
  }
}
