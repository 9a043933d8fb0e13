import { valueAt } from '../live/memory.ts'

/** One typed array of a page, with `places` values for each worker. */
interface Column {
  readonly values: { [place: number]: number }
  readonly places: number
}

/** Room for all that a page remembers of one worker: what a call changes can be put back while it has not ended. */
export interface Undo {
  readonly columns: readonly Column[]
  readonly kept: Float64Array
}

/** Room for one worker of a page with these columns. Every number of a column is exact in a double. */
export function undoOf(columns: readonly Column[]): Undo {
  return { columns, kept: new Float64Array(columns.reduce((sum, { places }) => sum + places, 0)) }
}

/**
 * Does what changes worker `i` whole or not at all: if it throws, the worker's columns are what they were, and the error
 * goes on. A rule that fails on a sample must not leave half of it behind.
 */
export function wholly<Result>({ columns, kept }: Undo, i: number, change: () => Result): Result {
  let at = 0
  for (const { values, places } of columns) {
    for (let place = i * places; place < (i + 1) * places; place++) kept[at++] = valueAt(values, place)
  }
  try {
    return change()
  } catch (error) {
    at = 0
    for (const { values, places } of columns) {
      for (let place = i * places; place < (i + 1) * places; place++) values[place] = valueAt(kept, at++)
    }
    throw error
  }
}
