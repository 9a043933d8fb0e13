import { MEGA } from '../../../../schemas/units.ts'
import type { Place } from '../reading/place.ts'
import { isPresent, slotOf } from './board.ts'
import type { BoardInAir } from './board.ts'

/** The boards, which GraphQL calls solvers below the machine's; null where there is no list. */
export function graphqlBoards(list: Place): BoardInAir[] | null {
  if (!list.isList) return null
  return list.items().map((solver, at) => {
    const hardware = solver.at('hwDetails')
    const chips = hardware.at('chips').count()
    const rateHs = solver.at('realHashrate', 'mhs5S').rateHs(MEGA)
    const temperature = (...names: readonly string[]): number | null =>
      temperatureOf(solver.at('temperatures'), names)
    const board = {
      slot: slotOf(solver.at('name'), at),
      serial: hardware.at('hbSerialNumber').identity(),
      present: isPresent({ enabled: null, chips, rateHs }),
      hashrate_hs: rateHs,
      nominal_hs: solver.at('nominalMhs').nominalHs(MEGA),
      temp_board_c: temperature('max_board', 'board'),
      temp_chip_c: temperature('max_chip', 'chip'),
      chips,
      freq_mhz: hardware.at('frequencyMhz').frequencyMhz({ zeroIsNone: true }),
      voltage_v: hardware.at('voltageV').voltageV({ zeroIsNone: true }),
    }
    return { board, inletC: temperature('inlet'), outletC: temperature('outlet') }
  })
}

/** The temperature of a kind; older releases call the kinds otherwise. */
function temperatureOf(list: Place, names: readonly string[]): number | null {
  const found = list.items().find((one) => names.includes(one.at('name').word()))
  return found?.at('degreesC').sensorC() ?? null
}
