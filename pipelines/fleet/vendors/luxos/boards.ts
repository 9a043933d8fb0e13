import { MEGA } from '../../../../schemas/units.ts'
import type { BoardReading } from '../../reading.ts'
import type { Place } from '../reading/place.ts'

/**
 * The boards of `devs`, which come as they arrived, with what the statistics say under the slot's number from 1. The firmware
 * knows no temperature of a chip. Null where there is no list.
 */
export function boardsOf(
  list: Place,
  stats: Place,
  hottest: ReadonlyMap<number, number>,
): BoardReading[] | null {
  if (!list.isList) return null
  return list.items().map((dev, at) => {
    const slot = dev.any('ID', 'ASC').count() ?? at
    const chips = stats.at(`chain_acn${slot + 1}`).count()
    const enabled = isEnabled(dev)
    const rateHs = dev.at('MHS 5s').rateHs(MEGA)
    return {
      slot,
      serial: dev.at('SerialNumber').identity(),
      present: isPresent(dev, chips, enabled),
      enabled,
      hashrate_hs: rateHs,
      nominal_hs: dev.at('Nominal MHS').nominalHs(MEGA),
      temp_board_c: hottest.get(slot) ?? dev.at('Temperature').sensorC(),
      chips,
      freq_mhz: stats.at(`freq${slot + 1}`).frequencyMhz({ zeroIsNone: true }),
      hw_errors: dev.at('Hardware Errors').counter(),
    }
  })
}

/** A board that a user shut down is disabled, whatever it shows beside. */
function isEnabled(dev: Place): boolean | null {
  return dev.at('IsUserShutdown').flag() === true ? false : dev.at('Enabled').flag()
}

function isPresent(dev: Place, chips: number | null, enabled: boolean | null): boolean | null {
  const status = dev.at('Status').word()
  if (enabled === false || (chips ?? 0) > 0 || status === 'alive') return true
  return chips === 0 || status === 'dead' ? false : null
}
