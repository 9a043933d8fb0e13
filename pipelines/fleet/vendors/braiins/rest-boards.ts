import { MEGA } from '../../../../schemas/units.ts'
import type { Place } from '../reading/place.ts'
import { isPresent, slotOf } from './board.ts'
import type { BoardInAir } from './board.ts'
import { celsiusOf, nominalOf, rateOf } from './units.ts'

/** Null where there is no list. Frequencies are in Hz. */
export function restBoards(list: Place): BoardInAir[] | null {
  if (!list.isList) return null
  return list.items().map((place, at) => {
    const enabled = place.at('enabled').flag()
    const chips = place.at('chips_count').count()
    const rateHs = rateOf(place.at('stats', 'real_hashrate', 'last_5s'))
    const board = {
      slot: slotOf(place.at('id'), at),
      serial: place.at('serial_number').identity(),
      present: isPresent({ enabled, chips, rateHs }),
      enabled,
      hashrate_hs: rateHs,
      nominal_hs: nominalOf(place.at('stats', 'nominal_hashrate')),
      temp_board_c: celsiusOf(place.at('board_temp')),
      temp_chip_c: celsiusOf(place.at('highest_chip_temp', 'temperature')),
      chips,
      freq_mhz: place.at('current_frequency', 'hertz').frequencyMhz({ per: MEGA, zeroIsNone: true }),
      voltage_v: place.at('current_voltage', 'volt').voltageV({ zeroIsNone: true }),
    }
    return {
      board,
      inletC: celsiusOf(place.at('lowest_inlet_temp')),
      outletC: celsiusOf(place.at('highest_outlet_temp')),
    }
  })
}
