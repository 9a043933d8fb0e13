import { MEGA } from '../../../../schemas/units.ts'
import type { BoardReading } from '../../reading.ts'
import type { Place } from '../reading/place.ts'

/**
 * The boards that the machine has by one list, with what another one measures of those that are enabled; both have the board's
 * index. Null where neither is there. How many chips answer is not shown.
 */
export function boardsOf(summary: Place, serials: Place): BoardReading[] | null {
  const states = summary.at('HBStatus')
  const measured = new Map(
    summary
      .at('HBs')
      .items()
      .map((board, at) => [indexOf(board, at), board]),
  )
  if (!states.isList) {
    if (!summary.at('HBs').isList) return null
    return [...measured].map(([slot, board]) => withMeasured({ slot, present: true }, board))
  }
  const items = states.items()
  // The list of serial numbers is in the order of slots. It leaves boards out, and does not say which.
  const isWhole = serials.items().length === items.length
  return items.map((state, at) => {
    const slot = indexOf(state, at)
    const board = measured.get(slot)
    const known = {
      slot,
      serial: isWhole ? serials.at(slot).identity() : null,
      present: state.at('Detected').flag(),
      enabled: state.at('Enabled').flag(),
    }
    return board === undefined ? known : withMeasured(known, board)
  })
}

function indexOf(place: Place, at: number): number {
  return place.at('Index').count() ?? at
}

function withMeasured(known: BoardReading, board: Place): BoardReading {
  return {
    ...known,
    // Beside its percentage and its error.
    hashrate_hs: board.at('Hashrate', 0).rateHs(MEGA),
    temp_board_c: board.at('Temperature').sensorC(),
    freq_mhz: board.at('Core Clock Avg').frequencyMhz({ zeroIsNone: true }),
    voltage_v: board.at('Input Voltage').voltageV({ zeroIsNone: true }),
    power_w: board.at('Input Power').powerW({ zeroIsNone: true }),
  }
}
