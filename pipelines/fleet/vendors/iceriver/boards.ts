import type { BoardReading, TemperaturesReading } from '../../reading.ts'
import { largest, smallest } from '../../sums.ts'
import type { Place } from '../reading/place.ts'
import { panelRateHs } from './panel.ts'

/** The boards that the panel lists; it numbers them from 1. `pcbtemp` is empty on most models. */
export function readBoards(panel: Place): BoardReading[] | null {
  const list = panel.at('boards')
  if (!list.isList) return null
  return list.items().map((board, at) => {
    const chips = board.at('chipnum').count()
    const rateHs = panelRateHs(board.at('rtpow'), panel)
    const isKnown = chips !== null || rateHs !== null
    return {
      slot: boardSlot(board, at),
      present: isKnown ? chips !== 0 : null,
      hashrate_hs: rateHs,
      nominal_hs: nominalHs(board, panel),
      temp_board_c: board.at('pcbtemp').sensorC(),
      chips,
      freq_mhz: board.at('freq').frequencyMhz({ zeroIsNone: true }),
    }
  })
}

/** From 0, of a number from 1; the place in the list where there is no number. */
export function boardSlot(board: Place, at: number): number {
  const number = board.at('no').count() ?? 0
  return number > 0 ? number - 1 : at
}

function nominalHs(board: Place, panel: Place): number | null {
  const idealHs = panelRateHs(board.at('idealpow'), panel)
  return idealHs === 0 ? null : idealHs
}

/** Sensors in the stream of air or water: what comes in at the coolest board, and what leaves the hottest one. */
export function readFlow(panel: Place): Pick<TemperaturesReading, 'inlet' | 'outlet'> {
  const boards = panel.at('boards').items()
  return {
    inlet: smallest(boards.map((board) => board.at('intmp').sensorC())),
    outlet: largest(boards.map((board) => board.at('outtmp').sensorC())),
  }
}
