import type { PsuReading } from '../../reading.ts'
import type { Place } from '../reading/place.ts'

/** The supply that measures its own input; null where the answer shows none. Some firmware shows 0 V or 0 A beside its watts. */
export function readSupply(stats: Place): PsuReading | null {
  const of = (key: string): Place => stats.at(`PSU ${key}`)
  const inW = of('Input Power').powerW()
  const zeroIsNone = (inW ?? 0) > 0
  const supply = {
    serial: of('SN').identity(),
    in_w: inW,
    out_w: of('Output Power').powerW(),
    in_v: of('Input Voltage').voltageV({ zeroIsNone }),
    out_v: of('Output Voltage').voltageV(),
    in_a: of('Input Current').currentA({ zeroIsNone }),
    out_a: of('Output Current').currentA(),
    fan_rpm: of('Fan Speed').fanRpm(),
  }
  return Object.values(supply).every((value) => value === null) ? null : supply
}
