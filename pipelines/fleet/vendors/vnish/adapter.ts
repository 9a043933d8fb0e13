import { KILO } from '../../../../schemas/units.ts'
import { largest, smallest } from '../../sums.ts'
import type { FanReading, Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { labelUnitHs } from '../reading/label-unit.ts'
import type { Place } from '../reading/place.ts'
import { usedFans } from '../reading/used-fans.ts'
import { boardsOf } from './boards.ts'
import { readPools } from './pools.ts'
import { errorsOf, stateOf } from './state.ts'

/**
 * VNish, firmware for Bitmain's machines. `hr_` fields are in GH/s (MH/s on machines for Scrypt), the two older fields without
 * that prefix in a unit a thousand times as large. The time in the present state is no uptime: that of the mining process is
 * not shown.
 */
export function readVnish(input: AdapterInput): Reading {
  const { answers } = input
  const info = answers.of('/api/v1/info')
  const network = info.at('system', 'network_status')
  const miner = answers.of('/api/v1/summary').at('miner')
  const unitHs = labelUnitHs(input, info.at('hr_measure'))
  const chains = miner.at('chains')
  const boards = boardsOf(input, chains, answers.of('/api/v1/chains/factory-info').at('chains'), unitHs)
  const water = (key: string): (number | null)[] => chains.items().map((chain) => chain.at(key).sensorC())
  const state = stateOf(miner.at('miner_status'))
  return {
    source_api: 'vnish',
    model: info.at('miner').text() ?? miner.at('miner_type').text(),
    firmware: 'VNish',
    fw_ver: info.at('fw_version').text(),
    serial: info.at('serial').identity(),
    mac: network.at('mac').mac(),
    ip: network.at('ip').ip(),
    hostname: network.at('hostname').text() ?? info.at('system', 'miner_name').text(),
    hashrate_hs: {
      now: miner.at('hr_realtime').rateHs(unitHs) ?? miner.at('instant_hashrate').rateHs(unitHs * KILO),
      avg: miner.at('hr_average').rateHs(unitHs) ?? miner.at('average_hashrate').rateHs(unitHs * KILO),
    },
    hashrate_nominal_hs: miner.at('hr_nominal').nominalHs(unitHs),
    hashrate_sticker_hs: miner.at('hr_stock').nominalHs(unitHs),
    hashrate_error_hs: miner.at('hr_error').rateHs(unitHs),
    hw_errors: miner.at('hw_errors').counter(),
    hw_error_ratio: miner.at('hw_errors_percent').ratioOfPercent(),
    power_w: miner.at('power_consumption').powerW() ?? miner.at('power_usage').powerW(),
    power_source: miner.at('psu', 'psu_power_metering').flag() === true ? 'miner_psu' : 'miner',
    system_uptime_s: info.at('system', 'uptime').seconds(),
    temp_c: {
      // The machine's own maxima may come from a sensor that failed: they are for an answer without chains.
      board_max: boards === null ? miner.at('pcb_temp', 'max').sensorC() : null,
      chip_max: boards === null ? miner.at('chip_temp', 'max').sensorC() : null,
      psu: largest(
        miner
          .at('psu', 'temps')
          .entries()
          .map(([, sensor]) => sensor.sensorC()),
      ),
    },
    coolant_in_c: smallest(water('inlet_water_temp')),
    coolant_out_c: largest(water('outlet_water_temp')),
    fans: fansOf(miner.at('cooling'), input),
    boards,
    pools: readPools(miner.at('pools'), input),
    best_share: miner.at('best_share').counter(),
    found_blocks: miner.at('found_blocks').counter(),
    mode: state.mode,
    status_raw: state.shown,
    is_mining: state.isMining,
    errors: errorsOf(miner, state),
  }
}

/** One duty for all fans. */
function fansOf(cooling: Place, { context }: AdapterInput): FanReading[] | null {
  const list = cooling.at('fans')
  if (!list.isList) return null
  const pct = cooling.at('fan_duty').percent()
  const shown = list
    .items()
    .map((fan, at) => ({ index: fan.at('id').count() ?? at, rpm: fan.at('rpm').fanRpm(), pct }))
  return usedFans(shown, context.model)
}
