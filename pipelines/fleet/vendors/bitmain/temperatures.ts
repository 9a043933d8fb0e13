import { largest } from '../../sums.ts'
import type { Place } from '../reading/place.ts'
import { readQuantity } from '../reading/quantities.ts'
import type { Warnings } from '../reading/warnings.ts'

const SENSORS_MAX = 16
const NUMBERS = /(?:^|-)(-?\d{1,10}(?:\.\d{1,6})?)/g

/** The hottest of a list of sensors, where 0 is no reading; null where none reads. */
export function hottestOfList(list: Place): number | null {
  return largest(list.items().map((sensor) => sensor.sensorC()))
}

/** The hottest of `48-62--2-61`: numbers joined by dashes, which may be negative. By number, since by text "99" > "101". */
export function hottestOfText(text: Place, label: string, warnings: Warnings): number | null {
  const values = [...text.word().matchAll(NUMBERS)].slice(0, SENSORS_MAX).map(([, value]) => value)
  return largest(
    values.map((value) =>
      readQuantity({ raw: value, label, warnings }, 'temperatureC', { zeroIsNone: true }),
    ),
  )
}
