import { largest, smallest } from '../../sums.ts'
import type { BoardReading, TemperaturesReading } from '../../reading.ts'
import type { Place } from '../reading/place.ts'

/** A board, and the air at both its ends. */
export interface BoardInAir {
  readonly board: BoardReading
  readonly inletC: number | null
  readonly outletC: number | null
}

/** Boards are numbered from 1, by the connectors: of old machines the three boards are 6, 7 and 8. */
export function slotOf(id: Place, at: number): number {
  const number = id.count()
  return number === null || number < 1 ? at : number - 1
}

/** A board that is disabled by decision is there. Null where the answer tells neither chips nor a rate. */
export function isPresent(board: {
  readonly enabled: boolean | null
  readonly chips: number | null
  readonly rateHs: number | null
}): boolean | null {
  if (board.enabled === false || (board.chips ?? 0) > 0 || (board.rateHs ?? 0) > 0) return true
  return board.chips === null ? null : false
}

/** The machine's air: the coolest inlet and the hottest outlet of the boards that say theirs. */
export function airOf(boards: readonly BoardInAir[] | null): Pick<TemperaturesReading, 'inlet' | 'outlet'> {
  return {
    inlet: smallest((boards ?? []).map(({ inletC }) => inletC)),
    outlet: largest((boards ?? []).map(({ outletC }) => outletC)),
  }
}
