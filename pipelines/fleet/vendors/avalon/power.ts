import type { Reading } from '../../reading.ts'
import type { Place } from '../reading/place.ts'

/** Where the supply's numbers stand: volts in hundredths, amperes and watts at its output, watts at the wall. */
const AT = { outV: 2, outA: 3, outW: 4, wallW: 6 } as const

/**
 * Watts at the wall. They stand alone, or last among the supply's numbers; those at its output, which stand there too, are 5
 * to 8 % lower and stand for nothing but the output.
 */
export function powerOf(parts: Place): Pick<Reading, 'power_w' | 'power_source' | 'power_limit_w' | 'psus'> {
  const supply = parts.at('ps')
  const wallW = parts.at('wallpower', 0).powerW() ?? supply.at(AT.wallW).powerW()
  const psu = {
    in_w: wallW,
    out_v: supply.at(AT.outV).voltageV({ per: 100 }),
    out_a: supply.at(AT.outA).currentA(),
    out_w: supply.at(AT.outW).powerW(),
  }
  return {
    power_w: wallW,
    power_source: 'miner',
    power_limit_w: parts.at('mpo', 0).powerLimitW(),
    psus: supply.isGiven ? [psu] : null,
  }
}
