import type { PsuReading, Reading } from '../../reading.ts'
import { largest } from '../../sums.ts'
import type { AdapterInput } from '../adapter.ts'
import type { Place } from '../reading/place.ts'
import { powerOfParts } from '../reading/power-of-parts.ts'

type Power = Pick<Reading, 'power_w' | 'power_lower_bound_w' | 'power_source' | 'psus' | 'fan_psu_rpm'>

/**
 * The supplies, which write their readings as texts with units, and the power at their inputs. Watts are never computed as
 * volts times amperes: beside a power factor below 1 that is too much.
 */
export function readPower({ answers, warnings }: AdapterInput, summary: Place): Power {
  const list = answers.of('psu').at('PSU')
  const supplies = list.items().map(supplyOf)
  const measured = powerOfParts(
    supplies.map(({ in_w: watts }) => watts ?? null),
    true,
    warnings,
  )
  const isMeasured = Object.keys(measured).length > 0
  return {
    ...(isMeasured ? measured : { power_w: summary.at('Wattage').powerW() }),
    power_source: isMeasured ? 'miner_psu' : 'miner',
    psus: list.isList ? supplies : null,
    fan_psu_rpm: largest(supplies.map(({ fan_rpm: rpm }) => rpm ?? null)),
  }
}

function supplyOf(supply: Place): PsuReading {
  const inW = supply.at('PowerIn').powerW()
  const zeroIsNone = (inW ?? 0) > 0
  return {
    in_w: inW,
    out_w: supply.at('PowerOut').powerW(),
    in_v: supply.at('Vin').voltageV({ zeroIsNone }),
    out_v: supply.at('Vout').voltageV(),
    in_a: supply.at('Iin').currentA({ zeroIsNone }),
    out_a: supply.at('Iout').currentA(),
    // Two fans; the faster one shows how hard they work.
    fan_rpm: largest([supply.at('FanSpeed1').fanRpm(), supply.at('FanSpeed2').fanRpm()]),
  }
}
