import type { InboxUsage } from '../../schemas/records.ts'

/** A place in usage.metered: the event `index` of the record at `offset`. */
export interface Place {
  readonly offset: number
  readonly index: number
}

export function isBefore(left: Place, right: Place): boolean {
  return left.offset < right.offset || (left.offset === right.offset && left.index < right.index)
}

/** The range of usage.metered that a record of account.inbox hands over: from one place up to another. */
export function rangeOf(usage: InboxUsage): { readonly from: Place; readonly to: Place } {
  return {
    from: { offset: usage.from_offset, index: usage.from_index },
    to: { offset: usage.to_offset, index: usage.to_index },
  }
}

/** A range that was handed over does not begin where the last one ended. */
export class BrokenHandOver extends Error {}

/** The ranges of one partition, in the order of account.inbox: they tile. */
export class HandedRanges {
  /** End of the last one. */
  #end: Place | null

  /** `isWhole` is false for an inbox whose beginning was deleted: its first range is then accepted wherever it begins. */
  constructor(isWhole: boolean) {
    this.#end = isWhole ? { offset: 0, index: 0 } : null
  }

  /**
   * Whether a range is new; false for one that was handed over before. `offset` is that of its record. Throws
   * BrokenHandOver.
   */
  takes(usage: InboxUsage, offset: bigint): boolean {
    const { from, to } = rangeOf(usage)
    this.#end ??= from
    const end = this.#end
    if (!isBefore(end, to)) return false
    if (from.offset !== end.offset || from.index !== end.index) {
      throw new BrokenHandOver(
        `the record at offset ${offset} begins at ${from.offset}/${from.index}, ` +
          `the one before ended at ${end.offset}/${end.index}`,
      )
    }
    this.#end = to
    return true
  }
}
