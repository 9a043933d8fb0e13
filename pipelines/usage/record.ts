import { SCHEMA_ID } from '../../schemas/avro.ts'
import type { AggregatorTask } from '../../schemas/records.ts'
import { RULES } from '../../schemas/since.ts'
import { WATERMARK_DELAY_MS } from '../../schemas/usage.ts'
import { CANNOT_BE_UNPACKED, schemaOf, unreadableDetail } from '../kafka/records.ts'
import type { LogRecord } from '../kafka/records.ts'
import { isTick, NO_TICK } from '../kafka/tick.ts'
import { CANNOT_BE_DECIDED, cannotBeDecided } from '../kafka/undecided.ts'
import type { SetAside } from '../kafka/undecided.ts'
import type { EventProblem } from '../load/dead-letter.ts'

/** What is wrong with a record of usage.metered that is none of its kinds. */
export function unknownRecord(record: LogRecord): EventProblem {
  const unreadable = unreadableDetail(record)
  if (unreadable !== null) return { index: -1, code: CANNOT_BE_UNPACKED, detail: unreadable }
  const schemaId = schemaOf(record)
  if (schemaId === SCHEMA_ID.tick) return { index: -1, code: 'malformed', detail: NO_TICK }
  return schemaId === null
    ? { index: -1, code: 'framing', detail: 'the value does not begin with 0 and a schema id' }
    : { index: -1, code: 'unknown_schema', detail: `schema id ${schemaId} is not one of usage.metered` }
}

/** What stands for more than events: to skip one would change what every later record means. */
const NEVER_SET_ASIDE: ReadonlySet<number | null> = new Set([SCHEMA_ID.models, SCHEMA_ID.end])

/** What is to be set aside of a record: of the whole (index -1), or of events by their index. Mostly nothing. */
export function problemsSetAside(
  topic: string,
  record: LogRecord,
  setAside: readonly SetAside[],
): ReadonlyMap<number, EventProblem> | null {
  let problems: Map<number, EventProblem> | null = null
  for (const { offset, index, detail } of setAside) {
    if (offset !== record.offset) continue
    if (isTick(record, RULES) || NEVER_SET_ASIDE.has(schemaOf(record))) {
      throw cannotBeDecided(`${topic}[${record.partition}] at offset ${offset}`, detail)
    }
    problems ??= new Map()
    problems.set(index ?? -1, { index: index ?? -1, code: CANNOT_BE_DECIDED, detail })
  }
  return problems
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
    since: [],
  }
}
