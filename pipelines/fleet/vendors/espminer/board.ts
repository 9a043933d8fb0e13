import { GIGA, KILO } from '../../../../schemas/units.ts'
import type { BoardReading, TemperaturesReading } from '../../reading.ts'
import { largest } from '../../sums.ts'
import { meanOfKnown } from '../reading/mean.ts'
import type { Place } from '../reading/place.ts'

/** Temperatures of the chips: one for each on boards with several, else one or two sensors; -1 says that there is none. */
export function chipTemperatures(info: Place): (number | null)[] {
  const ofEach = info
    .at('asicTemps')
    .items()
    .map((chip) => chip.sensorC())
  if (ofEach.some((temperature) => temperature !== null)) return ofEach
  return [info.at('temp').sensorC(), info.at('temp2').sensorC()]
}

/** `vrTemp` is the regulator of the voltage, not the chip. */
export function readTemperatures(info: Place, chips: readonly (number | null)[]): TemperaturesReading {
  return { chip_avg: meanOfKnown(chips), chip_max: largest(chips), vr: info.at('vrTemp').sensorC() }
}

/** The machine is one board, and its rate is the board's. */
export function readBoard(info: Place, asic: Place, chips: readonly (number | null)[]): BoardReading {
  return {
    slot: 0,
    present: true,
    hashrate_hs: info.at('hashRate').rateHs(GIGA),
    temp_chip_c: largest(chips),
    chips: info.at('asicCount').count() ?? asic.at('asicCount').count(),
    freq_mhz: info.any('actualFrequency', 'frequency').frequencyMhz({ zeroIsNone: true }),
    voltage_v: info.at('coreVoltageActual').voltageV({ per: KILO, zeroIsNone: true }),
  }
}
