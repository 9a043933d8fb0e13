import { columnsOf } from '../pages/layout.ts'
import { Booking } from './booking.ts'
import type { CellDelta, MinuteSums } from './contributions.ts'
import { noDeltas } from './counters.ts'
import type { CounterDeltas } from './counters.ts'
import type { PageState } from './page-state.ts'
import type { Placement } from './placement.ts'
import { READING } from './reading-columns.ts'
import type { Readings } from './reading-columns.ts'

/** A late reading as it came, and completed. */
const FOUND_ROWS = 2

/** A page with what its rules work with, none of which is kept. */
export interface Page extends PageState {
  readonly placement: Placement
  readonly leaving: { cells: CellDelta[]; minutes: MinuteSums[] }
  /** Overwritten by each reading that settles. */
  readonly deltas: CounterDeltas
  /** The late reading that is applied, and its completed form. */
  readonly found: Readings
  readonly booking: Booking
}

export function pageOf(state: PageState, placement: Placement): Page {
  return Object.assign(state, {
    placement,
    leaving: { cells: [], minutes: [] },
    deltas: noDeltas(),
    found: columnsOf(READING, FOUND_ROWS),
    booking: new Booking(state),
  })
}
