import type { BoardReading, Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import type { Place } from '../reading/place.ts'
import { boardsAmong } from './chains.ts'
import { fansAmong } from './fans.ts'
import { labelUnitHs } from '../reading/label-unit.ts'
import { statsBody } from './stats-body.ts'
import type { Summary } from './summary.ts'
import { hottestOfList } from './temperatures.ts'

/** The generation since 2022 (`new_api`): `rate_5s`, a list of chains, a list of fans. */
export function readNewStats(input: AdapterInput, stats: Place, summary: Summary): Reading {
  const { model } = input.context
  const body = statsBody(stats)
  const unit = body.at('rate_unit')
  const unitHs = labelUnitHs(input, unit.isGiven ? unit : summary.body.at('rate_unit'))
  const rate = (key: string): number | null =>
    body.at(key).rateHs(unitHs) ?? summary.body.at(key).rateHs(unitHs)
  const rpms = body
    .at('fan')
    .items()
    .map((fan) => fan.fanRpm())
  const chains = body.at('chain')
  return {
    source_api: 'bitmain',
    hashrate_hs: { now: rate('rate_5s'), '30m': rate('rate_30m'), avg: rate('rate_avg') },
    hashrate_nominal_hs:
      body.at('rate_ideal').nominalHs(unitHs) ?? summary.body.at('rate_ideal').nominalHs(unitHs),
    hw_errors: summary.hwErrors,
    uptime_s: body.at('elapsed').seconds() ?? summary.body.at('elapsed').seconds(),
    fans: fansAmong(rpms, body.at('fan_num').count(), model),
    boards: chains.isList
      ? boardsAmong(
          chains.items().map((chain, at) => boardOf(chain, at, unitHs)),
          model,
        )
      : null,
  }
}

/** A board is there where chips answer or its memory could be read. */
function boardOf(chain: Place, at: number, unitHs: number): BoardReading {
  const chips = chain.at('asic_num').count()
  const isLoaded = chain.at('eeprom_loaded').flag()
  const isPresent = chips === null ? isLoaded : chips > 0 || isLoaded === true
  return {
    slot: chain.at('index').count() ?? at,
    present: isPresent,
    serial: chain.at('sn').identity(),
    hashrate_hs: chain.at('rate_real').rateHs(unitHs),
    nominal_hs: chain.at('rate_ideal').nominalHs(unitHs),
    temp_board_c: hottestOfList(chain.any('temp_pcb', 'temp_out_pcb')),
    temp_chip_c: hottestOfList(chain.any('temp_chip', 'temp_out_chip')),
    chips,
    freq_mhz: chain.at('freq_avg').frequencyMhz({ zeroIsNone: true }),
    hw_errors: chain.at('hw').counter(),
  }
}
