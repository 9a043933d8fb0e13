import { SCHEMA_ID, inboxConfigureCodec, inboxUsageCodec, schemaIdOf } from '../../schemas/avro.ts'
import { RULES } from '../../schemas/since.ts'
import type { SourceRecord } from './source.ts'
import { isTick } from './ticks.ts'
import type { BlocksBelow, Tables } from './tables.ts'

/** The reason of a letter that no rule explains: the task failed at the record again and again. */
export const CANNOT_BE_DECIDED = 'cannot_be_decided'

/** By offset: the events that a task set aside for this reason, by their index, -1 for the record as a whole. */
export type Undecided = ReadonlyMap<bigint, ReadonlySet<number>>

export const NOTHING_UNDECIDED: Undecided = new Map()

/**
 * What the task of one partition could not decide, according to its letters. No model can compute where a version of the
 * code failed: these letters are facts from which the rest is worked out, and they are counted for the report of the result.
 */
export async function readUndecided(tables: Tables, blocks: BlocksBelow, source: string): Promise<Undecided> {
  return await readLetters(tables, blocks, source, CANNOT_BE_DECIDED)
}

/** What was set aside for one reason, by offset and index. */
export async function readLetters(
  tables: Tables,
  blocks: BlocksBelow,
  source: string,
  wanted: string,
): Promise<Undecided> {
  const undecided = new Map<bigint, Set<number>>()
  for (const { record_offset, reasons, indexes } of await tables.lettersOf(blocks, source, wanted)) {
    if (!Array.isArray(reasons) || !Array.isArray(indexes)) continue
    const ofRecord = reasons.flatMap((reason, at) =>
      reason === wanted ? [Number(indexes[at] ?? Number.NaN)] : [],
    )
    undecided.set(BigInt(String(record_offset)), new Set(ofRecord))
  }
  return undecided
}

/** The number of these events, commands and heartbeats. */
export function countOf(undecided: Undecided): number {
  let count = 0
  for (const indexes of undecided.values()) count += indexes.size
  return count
}

/** Letters of this kind are younger than the rules by which ticks are known by their key. */
const FROM_THE_START = [{ rules: RULES, offset: 0 }]

/** Records that concern more than themselves: a letter about one of them is a difference, and not a fact. */
const NEVER_SET_ASIDE: ReadonlySet<number | null> = new Set([
  SCHEMA_ID.models,
  SCHEMA_ID.end,
  ...inboxUsageCodec.schemaIds,
  ...inboxConfigureCodec.schemaIds,
])

/** What was set aside of a record; null where nothing was, or nothing may have been. */
export function undecidedOf(undecided: Undecided, record: SourceRecord): ReadonlySet<number> | null {
  if (isTick(record, FROM_THE_START) || NEVER_SET_ASIDE.has(schemaIdOf(record.value))) return null
  return undecided.get(record.offset) ?? null
}
