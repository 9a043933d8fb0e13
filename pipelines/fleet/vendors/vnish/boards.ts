import { largest, sumOfAll } from '../../sums.ts'
import type { BoardReading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import type { Place } from '../reading/place.ts'
import type { Warnings } from '../reading/warnings.ts'

/** What a chain's state says of its board. `unknown`, and any other word, says nothing. */
const STATES: Readonly<Record<string, { readonly present: boolean; readonly enabled: boolean }>> = {
  mining: { present: true, enabled: true },
  initializing: { present: true, enabled: true },
  stopped: { present: true, enabled: true },
  failure: { present: true, enabled: true },
  disabled: { present: true, enabled: false },
  disconnected: { present: false, enabled: true },
}

/** The boards of the summary's chains, which are numbered from 1; null where there is no list. Volts are in thousandths. */
export function boardsOf(
  { warnings }: AdapterInput,
  chains: Place,
  factory: Place,
  unitHs: number,
): BoardReading[] | null {
  if (!chains.isList) return null
  const serials = new Map(
    factory.items().map((board) => [board.at('id').count(), board.at('serial').identity()]),
  )
  return chains.items().map((chain, at) => {
    const number = chain.at('id').count()
    const state = chain.at('status', 'state').word()
    const said = Object.hasOwn(STATES, state) ? STATES[state] : undefined
    const rateHs = chain.at('hashrate_rt').rateHs(unitHs)
    const chips = chipsOf(chain, state)
    const board: BoardReading = {
      slot: slotOf(chain, at),
      serial: number === null ? null : (serials.get(number) ?? null),
      present: said?.present ?? ((rateHs ?? 0) > 0 || (chips ?? 0) > 0 ? true : null),
      enabled: said?.enabled ?? null,
      hashrate_hs: rateHs,
      nominal_hs: chain.at('hashrate_ideal').nominalHs(unitHs),
      temp_board_c: hottestOf(chain.at('pcb_temp_sens'), chain.at('pcb_temp', 'max'), warnings),
      temp_chip_c: hottestOf(chain.at('chip_temp_sens'), chain.at('chip_temp', 'max'), warnings),
      chips,
      freq_mhz: chain.at('frequency').frequencyMhz({ zeroIsNone: true }),
      voltage_v: chain.at('voltage').voltageV({ per: 1_000, zeroIsNone: true }),
      power_w: chain.at('power_consumption').powerW(),
      hw_errors: chain.at('hw_errors').counter(),
    }
    return board
  })
}

/** Chains are numbered from 1. */
export function slotOf(chain: Place, at: number): number {
  const number = chain.at('id').count()
  return number === null || number < 1 ? at : number - 1
}

/** Chips by their grades, of which red ones do not hash. Those of a chain that is not at work are its last ones. */
function chipsOf(chain: Place, state: string): number | null {
  if (state !== 'mining' && Object.hasOwn(STATES, state)) return null
  const grades = chain.at('chip_statuses')
  return sumOfAll([grades.at('grey').count(), grades.at('orange').count()])
}

/** The hottest sensor of those that measure: one that failed still shows a number, and is part of the chain's own maximum. */
function hottestOf(sensors: Place, chainMax: Place, warnings: Warnings): number | null {
  if (!sensors.isList) return chainMax.sensorC()
  return largest(
    sensors.items().map((sensor) => {
      const status = sensor.at('status').word()
      if (status === 'error') warnings.count('sensor_error_ignored')
      return status === 'measure' ? sensor.at('temp').sensorC() : null
    }),
  )
}
