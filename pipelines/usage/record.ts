import { modelsCodec, SCHEMA_ID } from '../../schemas/avro.ts'
import { MODELS, MODELS_VERSION } from '../../schemas/models.ts'
import type { AggregatorTask } from '../../schemas/records.ts'
import { TEXTS_AS_BEFORE_MS } from '../../schemas/identity.ts'
import { OWN_MODELS, RULES, SINGLE_EVENTS, TEXTS_APART } from '../../schemas/since.ts'
import { WATERMARK_DELAY_MS } from '../../schemas/usage.ts'
import { CANNOT_BE_UNPACKED, schemaOf, unreadableDetail } from '../log/records.ts'
import type { LogRecord } from '../log/records.ts'
import { isTick, NO_TICK } from '../log/tick.ts'
import { CANNOT_BE_DECIDED, cannotBeDecided } from '../task/undecided.ts'
import type { SetAside } from '../task/undecided.ts'
import type { EventProblem } from '../blocks/dead-letter.ts'

/** The problem of a record of usage.metered that has none of the known kinds. */
export function unknownRecord(record: LogRecord): EventProblem {
  const unreadable = unreadableDetail(record)
  if (unreadable !== null) return { index: -1, code: CANNOT_BE_UNPACKED, detail: unreadable }
  const schemaId = schemaOf(record)
  if (schemaId === SCHEMA_ID.tick) return { index: -1, code: 'malformed', detail: NO_TICK }
  return schemaId === null
    ? { index: -1, code: 'framing', detail: 'the value does not begin with 0 and a schema id' }
    : { index: -1, code: 'unknown_schema', detail: `schema id ${schemaId} is not one of usage.metered` }
}

/** Whether a record with this schema id holds usage events, by these rules. */
export function isUsage(schemaId: number | null, rules: number): boolean {
  if (schemaId === SCHEMA_ID.usageEvent) return rules >= SINGLE_EVENTS
  if (schemaId === SCHEMA_ID.usageEvents) return rules >= TEXTS_APART
  return schemaId === SCHEMA_ID.usageEventsV1
}

/** Records on which more than events depends: skipping one would change what every later record means. */
const NEVER_SET_ASIDE: ReadonlySet<number | null> = new Set([SCHEMA_ID.models, SCHEMA_ID.end])

/** What is to be set aside of a record: the whole (index -1), or events by their index. Usually nothing. */
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

/**
 * Log time until which a task that has this state, and continues by the rules of this version, also looks texts up in the
 * old way: by rules before 3 it counted texts under another identity, and they may come again until then.
 */
export function textsUntil(task: AggregatorTask): number | null {
  const judgedBy = task.since.at(-1)?.rules ?? 0
  const hasCounted = task.position > 0 || task.watermark > 0
  return judgedBy < TEXTS_APART && hasCounted ? logTimeOf(task) + TEXTS_AS_BEFORE_MS : task.texts_until
}

/** Whether a text may have been counted by rules before 3, given the present watermark. */
export function textsAsBefore(task: Pick<AggregatorTask, 'watermark' | 'texts_until'>): boolean {
  return task.texts_until !== null && logTimeOf(task) < task.texts_until
}

/** The newest receipt that a task has seen. */
function logTimeOf({ watermark }: Pick<AggregatorTask, 'watermark'>): number {
  return watermark + WATERMARK_DELAY_MS
}

/** The record of a task that has never committed; `fingerprint` is that of the id key. */
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
    texts_until: null,
  }
}

/**
 * A task of rules before 3 held its table of models itself. It continues with the compiled one, and later ones come from
 * the log. Returns a note about another table that it had, which an earlier version or a producer's record has put there.
 * Called before the task continues by the rules of this version.
 */
export function leaveModels(task: AggregatorTask): string | null {
  const { models_version: before, models } = task
  task.models = []
  if ((task.since.at(-1)?.rules ?? 0) >= OWN_MODELS) return null
  task.models_version = MODELS_VERSION
  const compiled = modelsCodec.encode({ version: MODELS_VERSION, models: [...MODELS] })
  if (before === 0 || modelsCodec.encode({ version: before, models }).equals(compiled)) return null
  return `the task had a table of models of version ${before} that is not this version's: it was replaced`
}
