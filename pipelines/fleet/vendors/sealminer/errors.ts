import type { ErrorReading } from '../../reading.ts'
import type { Place } from '../reading/place.ts'

const CODE = /^[\w.:-]{1,32}$/
const NO_ERROR = /^(?:0x)?0+$/

/** The codes of the supply and of the machine that are not 0; null where the answer shows neither place. */
export function readErrors(stats: Place): ErrorReading[] | null {
  const supply = stats.at('PSU Error')
  const machine = stats.at('Error Code')
  if (!supply.isGiven && !machine.isGiven) return null
  return [
    ...codesIn(supply).map((code) => ({ vendor_code: `psu:${code}`, component: 'psu' as const })),
    ...codesIn(machine).map((code) => ({ vendor_code: code, component: 'device' as const })),
  ]
}

function codesIn(place: Place): string[] {
  const codes = (place.text() ?? '').split(/[\s,;]+/)
  return codes.filter((code) => CODE.test(code) && !NO_ERROR.test(code))
}
