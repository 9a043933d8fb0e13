import { GIGA, MEGA } from '../../../../schemas/units.ts'
import type { FanReading, PsuReading, Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { cgminerPools } from '../reading/cgminer.ts'
import type { Place } from '../reading/place.ts'
import { usedFans } from '../reading/used-fans.ts'
import { errorsOfV2 } from './errors.ts'
import { modeOf } from './mode.ts'
import { boardsOfV2 } from './v2-boards.ts'
import { identityOfV2 } from './v2-identity.ts'

/** Version 1 and 2: MH/s, but the rate of the factory in GH/s. Each number is a number or a text. */
export function readV2(input: AdapterInput): Reading {
  const { answers, context, collectedAtMs } = input
  const summary = answers.of('summary').at('SUMMARY', 0)
  const status = answers.of('status').at('Msg')
  const supply = answers.of('get_psu').at('Msg')
  const isOff = status.any('mineroff', 'btmineroff').flag()
  return {
    source_api: 'whatsminer-v2',
    ...identityOfV2(input, summary, status),
    hashrate_hs: {
      now: summary.at('MHS 5s').rateHs(MEGA),
      '1m': summary.at('MHS 1m').rateHs(MEGA),
      '5m': summary.at('MHS 5m').rateHs(MEGA),
      '15m': summary.at('MHS 15m').rateHs(MEGA),
      avg: summary.at('MHS av').rateHs(MEGA),
    },
    hashrate_nominal_hs: summary.at('Factory GHS').nominalHs(GIGA),
    hw_errors: summary.at('Hardware Errors').counter(),
    hw_error_ratio: summary.at('Device Hardware%').ratioOfPercent(),
    ...watts(summary, supply),
    power_limit_w: summary.at('Power Limit').powerLimitW(),
    // The mining process, and the machine.
    uptime_s: summary.at('Elapsed').seconds(),
    system_uptime_s: summary.at('Uptime').seconds(),
    temp_c: {
      ambient: summary.at('Env Temp').temperatureC(),
      board_max: summary.at('Temperature').sensorC(),
      chip_avg: summary.at('Chip Temp Avg').sensorC(),
      chip_max: summary.at('Chip Temp Max').sensorC(),
      psu: supply.at('temp0').sensorC(),
    },
    fans: fansOf(summary, input),
    fan_psu_rpm: summary.at('Power Fanspeed').fanRpm() ?? supply.at('fan_speed').fanRpm(),
    boards: boardsOfV2(answers.of('edevs', 'devs').at('DEVS')),
    psus: supply.isObject ? [psuOf(supply)] : null,
    pools: cgminerPools(answers.of('pools'), collectedAtMs),
    shares: {
      accepted: summary.at('Accepted').counter(),
      rejected: summary.at('Rejected').counter(),
      stale: summary.at('Stale').counter(),
    },
    best_share: summary.at('Best Share').counter(),
    found_blocks: summary.at('Found Blocks').counter(),
    mode: modeOf({
      isOff,
      isTuned: summary.at('Upfreq Complete').flag(),
      named: status.at('power_mode').word() || summary.at('Power Mode').word(),
    }),
    is_mining: isOff === null ? null : !isOff,
    errors: errorsOfV2(
      answers.of('get_error_code').at('Msg', 'error_code'),
      summary,
      context.locationTimezone,
      collectedAtMs,
    ),
  }
}

/** What the supply measures at its input is what the machine takes; the summary's value is smoothed, less so in `Power_RT`. */
function watts(summary: Place, supply: Place): Pick<Reading, 'power_w' | 'power_source'> {
  const measured = supply.at('pin').powerW({ zeroIsNone: true })
  if (measured !== null) return { power_w: measured, power_source: 'miner_psu' }
  return { power_w: summary.at('Power_RT').powerW() ?? summary.at('Power').powerW(), power_source: 'miner' }
}

/** Machines that are cooled by a liquid show two fans that stand still. */
function fansOf(summary: Place, { context }: AdapterInput): FanReading[] | null {
  const shown = [summary.at('Fan Speed In'), summary.at('Fan Speed Out')].flatMap((fan, index) =>
    fan.isGiven ? [{ index, rpm: fan.fanRpm() }] : [],
  )
  return shown.length === 0 ? null : usedFans(shown, context.model)
}

/** Hundredths of a volt, milliamperes, watts. A supply that answers has some at its input. */
function psuOf(supply: Place): PsuReading {
  return {
    serial: supply.at('serial_no').identity(),
    in_w: supply.at('pin').powerW({ zeroIsNone: true }),
    in_v: supply.at('vin').voltageV({ per: 100, zeroIsNone: true }),
    in_a: supply.at('iin').currentA({ per: 1_000, zeroIsNone: true }),
    hotspot_c: supply.at('temp0').sensorC(),
    fan_rpm: supply.at('fan_speed').fanRpm(),
  }
}
