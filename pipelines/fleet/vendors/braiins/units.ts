import { GIGA, MEGA, TERA } from '../../../../schemas/units.ts'
import type { Place } from '../reading/place.ts'

/** The interface names the unit of each value by a key: `{"gigahash_per_second": 5.5}`. Rates are in GH/s, those of errors in MH/s. */

const RATES: readonly (readonly [string, number])[] = [
  ['gigahash_per_second', GIGA],
  ['megahash_per_second', MEGA],
  ['terahash_per_second', TERA],
]

/** H/s in whichever unit it is given. */
export function rateOf(place: Place): number | null {
  const [key, unitHs] = RATES.find(([name]) => place.at(name).isGiven) ?? ['', GIGA]
  return place.at(key).rateHs(unitHs)
}

/** A rate that the machine is made or set for: 0 says that it is not known. */
export function nominalOf(place: Place): number | null {
  const rateHs = rateOf(place)
  return rateHs === 0 ? null : rateHs
}

export function celsiusOf(place: Place): number | null {
  return place.at('degree_c').sensorC()
}
