import { GIGA } from '../../../../schemas/units.ts'
import type { RatesReading } from '../../reading.ts'
import type { Place } from '../reading/place.ts'

/**
 * The windows, in GH/s; releases before 2.7 give the present only. One fork has a window of a day beside them, and shows the
 * mean of ten minutes under the names of the longer ones: an hour that is the same number is such a copy, and none.
 */
export function readRates(info: Place): RatesReading {
  const rate = (key: string): number | null => info.at(key).rateHs(GIGA)
  const tenMinutesHs = rate('hashRate_10m')
  const hourHs = rate('hashRate_1h')
  const isCopy = info.at('hashRate_1d').isGiven && hourHs === tenMinutesHs
  return {
    now: rate('hashRate'),
    '1m': rate('hashRate_1m'),
    '10m': tenMinutesHs,
    '1h': isCopy ? null : hourHs,
  }
}
