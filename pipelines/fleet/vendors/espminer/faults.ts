import type { ErrorReading } from '../../reading.ts'
import type { Component } from '../../telemetry.ts'
import type { Place } from '../reading/place.ts'

/** Faults that the firmware describes in words; absent while there is none. */
const FAULTS: readonly (readonly [string, Component])[] = [
  ['power_fault', 'psu'],
  ['hardware_fault', 'device'],
]

/** The protection against heat, which stops the chips, and faults in words; null where the firmware shows neither. */
export function readFaults(info: Place): ErrorReading[] | null {
  const isOverheated = info.at('overheat_mode').flag()
  const faults = FAULTS.flatMap(([key, component]) => {
    const message = info.at(key).text()
    return message === null ? [] : [{ vendor_code: key, component, message }]
  })
  if (isOverheated === true) return [{ vendor_code: 'overheat_mode', component: 'device' }, ...faults]
  return isOverheated === null && faults.length === 0 ? null : faults
}
