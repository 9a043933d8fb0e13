import type { Metrics } from '../../schemas/metrics.ts'
import { RULES } from '../../schemas/since.ts'
import { schemaOf } from '../log/records.ts'
import type { LogRecord } from '../log/records.ts'
import { outside } from '../log/outside.ts'
import type { EventCounter } from './count.ts'
import { decodeInto } from './decode.ts'
import type { UsageColumns } from './decode.ts'
import type { IdMemory } from '../dedupe/id-memory.ts'
import { ID_FORM } from './text-id.ts'
import type { Found, Lookup, LookupKey } from '../dedupe/lookup.ts'
import { isUsage } from './record.ts'

export interface OldIdsOptions {
  readonly partition: number
  readonly columns: UsageColumns
  readonly counter: EventCounter
  readonly memory: IdMemory
  readonly lookup: Lookup
  readonly metrics: Metrics
}

/**
 * The look-ups of one batch: events at or before `low` may have left memory, so ClickHouse is queried for them, once for
 * all records that follow, and before the transaction begins.
 */
export class OldIds {
  readonly #options: OldIdsOptions
  readonly #lookedUp = new Set<string>()
  /** What ClickHouse had of the events that were looked up; null before the first look-up. */
  found: Found | null = null

  constructor(options: OldIdsOptions) {
    this.#options = options
  }

  /** Whether the record that is decoded in the columns has an old event that was not looked up yet. */
  needsLookup(low: number): boolean {
    for (let index = 0; index < this.#options.columns.count; index++) {
      if (this.#mustLookUp(index, low)) return true
    }
    return false
  }

  /**
   * Looks up every old event of `records` at once. With `textsAsBefore`, texts are also looked up as versions before rules
   * 3 stored them. The first record is decoded in the columns again afterwards. False: ClickHouse is away, or has not
   * loaded `evictedSeq` yet.
   */
  async lookUp(
    records: readonly LogRecord[],
    low: number,
    evictedSeq: number,
    textsAsBefore: boolean,
  ): Promise<boolean> {
    const { lookup, partition, metrics, columns } = this.#options
    const keys = this.#keysOf(records, low, textsAsBefore)
    const answer = await outside(lookup(partition, evictedSeq, keys))
    const [first] = records
    if (first?.value) decodeInto(columns, first.value)
    if (answer === null) {
      metrics.count('hivemeter_id_lookups_total', { outcome: 'unavailable' })
      return false
    }
    metrics.count('hivemeter_id_lookups_total', { outcome: 'found' }, answer.size)
    metrics.count('hivemeter_id_lookups_total', { outcome: 'absent' }, keys.length - answer.size)
    this.found = this.found === null ? answer : new Map([...this.found, ...answer])
    return true
  }

  #keysOf(records: readonly LogRecord[], low: number, textsAsBefore: boolean): LookupKey[] {
    const { columns, counter } = this.#options
    const { identities } = counter
    const keys: LookupKey[] = []
    for (const record of records) {
      const { value } = record
      if (value === null || !isUsage(schemaOf(record), RULES)) continue
      if (decodeInto(columns, value) !== null) continue
      for (let index = 0; index < columns.count; index++) {
        if (!this.#mustLookUp(index, low)) continue
        this.#lookedUp.add(identities.nameOf(index))
        keys.push(identities.keyOf(index))
        const asBefore = textsAsBefore && columns.idForm[index] === ID_FORM.hashed
        if (asBefore) keys.push(identities.keyBefore(index))
      }
    }
    return keys
  }

  #mustLookUp(index: number, low: number): boolean {
    const { columns, counter, memory } = this.#options
    if (columns.refused[index] === 1 || (columns.occurredAt[index] as number) > low) return false
    // An event that is not counted here needs no look-up.
    if (!counter.isHere(index)) return false
    if (memory.find(counter.identities.entryOf(index)) !== 'new') return false
    return !this.#lookedUp.has(counter.identities.nameOf(index))
  }
}
