import { USAGE_BOUNDS } from '../../schemas/usage.ts'

/** Arrays with room for one value of every event that a record may hold. */

/** A column of text, as ranges in the record: `[start, end)`, empty for null. */
export interface TextColumn {
  readonly start: Int32Array
  readonly end: Int32Array
}

export function int32(): Int32Array {
  return new Int32Array(USAGE_BOUNDS.eventsPerRecordMax)
}

export function float64(): Float64Array {
  return new Float64Array(USAGE_BOUNDS.eventsPerRecordMax)
}

export function textColumn(): TextColumn {
  return { start: int32(), end: int32() }
}
