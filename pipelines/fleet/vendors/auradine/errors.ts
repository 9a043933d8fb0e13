import type { ErrorReading } from '../../reading.ts'
import type { Component } from '../../telemetry.ts'
import type { Place } from '../reading/place.ts'

/** What the codes of the lamp say is wrong. The others are its colours for "well", "where are you" and the site's own. */
const COMPONENTS: Readonly<Record<number, Component>> = {
  1: 'psu',
  4: 'device',
  5: 'pool',
  6: 'network',
  7: 'control_board',
  8: 'device',
}

/** The machine shows its one worst error by a lamp; null where the answer is missing. */
export function readErrors(led: Place): ErrorReading[] | null {
  const code = led.at('LED', 0, 'Code').count()
  if (code === null) return null
  const component = COMPONENTS[code]
  return component === undefined
    ? []
    : [{ vendor_code: `led:${code}`, component, message: led.at('LED', 0, 'Msg').text() }]
}
