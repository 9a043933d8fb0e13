import { GIGA, MEGA } from '../../../../schemas/units.ts'
import type { BoardReading } from '../../reading.ts'
import type { Place } from '../reading/place.ts'
import { isPresent } from './present.ts'

/** The boards of `edevs` and of version 1's `devs`; null where there is no list. */
export function boardsOfV2(list: Place): BoardReading[] | null {
  return list.isList ? list.items().map(boardOf) : null
}

/** `HS RT` is the mean of five minutes, under either name. `MHS av` is none: it stays what it was while the machine sleeps. */
function boardOf(dev: Place, at: number): BoardReading {
  const slot = dev.any('Slot', 'ASC').count() ?? at
  const chips = dev.at('Effective Chips').count()
  const present = isPresent(chips, dev.at('Status').word())
  const rateHs = dev.any('HS RT', 'MHS 5m').rateHs(MEGA)
  const board: BoardReading = {
    slot,
    serial: dev.at('PCB SN').identity(),
    present,
    enabled: dev.at('Enabled').flag(),
    hashrate_hs: rateHs,
    chips,
  }
  if (present === false) return board
  return {
    ...board,
    nominal_hs: dev.at('Factory GHS').nominalHs(GIGA),
    temp_board_c: dev.at('Temperature').sensorC(),
    temp_chip_c: dev.at('Chip Temp Max').sensorC(),
    freq_mhz: dev.any('Chip Frequency', 'Frequency').frequencyMhz({ zeroIsNone: true }),
    hw_errors: dev.at('Hardware Errors').counter(),
  }
}
