import { TERA } from '../../../../schemas/units.ts'
import type { BoardReading } from '../../reading.ts'
import type { Place } from '../reading/place.ts'
import { isPresent } from './present.ts'

/**
 * The boards of `edevs`. Their temperatures stand in a list of the summary, and their serial numbers in numbered keys of the
 * device's description; both in the order of slots. Null where there is no list of boards.
 */
export function boardsOfV3(list: Place, temperatures: Place, miner: Place): BoardReading[] | null {
  if (!list.isList) return null
  return list.items().map((dev, at) => boardOf(dev, dev.any('slot', 'id').count() ?? at, temperatures, miner))
}

function boardOf(dev: Place, slot: number, temperatures: Place, miner: Place): BoardReading {
  const chips = dev.at('effective-chips').count()
  const present = isPresent(chips, dev.at('status').word())
  const board: BoardReading = {
    slot,
    serial: miner.at(`pcbsn${slot}`).identity(),
    present,
    hashrate_hs: dev.at('hash-realtime').rateHs(TERA),
    chips,
  }
  if (present === false) return board
  return {
    ...board,
    nominal_hs: dev.at('factory-hash').nominalHs(TERA),
    temp_board_c: temperatures.at(slot).sensorC(),
    temp_chip_c: dev.at('chip-temp-max').sensorC(),
    freq_mhz: dev.at('freq').frequencyMhz({ zeroIsNone: true }),
  }
}
