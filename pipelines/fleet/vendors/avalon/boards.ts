import { GIGA } from '../../../../schemas/units.ts'
import type { BoardReading } from '../../reading.ts'
import type { Place } from '../reading/place.ts'
import type { Work } from './work.ts'

/** Boards that are read of a module; none has more. */
export const BOARDS_MAX = 16

/**
 * The boards: a rate of each in one part, the hottest chip of each in another, and the temperatures of a board's chips in a part
 * of its own, in the module's text or in a second one. Null where no part lists boards. While the module does not work, rates are
 * the last ones and the chips are off: then neither says anything.
 */
export function boardsOf(parts: Place, chipParts: Place, { isWorking }: Work): BoardReading[] | null {
  const rates = parts.at('mghs')
  const hottest = parts.at('mtmax')
  const count = Math.min(Math.max(rates.items().length, hottest.items().length), BOARDS_MAX)
  if (count === 0) return null
  return Array.from({ length: count }, (_, slot) => {
    const tempChipC = hottest.at(slot).sensorC()
    if (isWorking === false) return { slot, temp_chip_c: tempChipC }
    const rateHs = rates.at(slot).rateHs(GIGA)
    const sensors = parts.at(`pvt_t${slot}`)
    const chips = chipsOf(sensors.isGiven ? sensors : chipParts.at(`pvt_t${slot}`))
    return { slot, present: isPresent(rateHs, chips), hashrate_hs: rateHs, temp_chip_c: tempChipC, chips }
  })
}

/** A chip whose temperature reads 0 does not answer. */
function chipsOf(temperatures: Place): number | null {
  return temperatures.isGiven ? temperatures.items().filter((chip) => chip.sensorC() !== null).length : null
}

function isPresent(rateHs: number | null, chips: number | null): boolean | null {
  if ((rateHs ?? 0) > 0 || (chips ?? 0) > 0) return true
  return rateHs === null || chips === null ? null : false
}
