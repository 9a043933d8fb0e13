import { TERA } from '../../../../schemas/units.ts'
import { largest } from '../../sums.ts'
import type { FanReading, PoolReading, Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import type { Answers } from '../reading/answers.ts'
import { clockS } from '../reading/cgminer.ts'
import { deviceTime } from '../reading/clocks.ts'
import type { Place } from '../reading/place.ts'
import { usedFans } from '../reading/used-fans.ts'
import { errorsOf } from './errors.ts'
import { modeOf } from './mode.ts'
import { boardsOfV3 } from './v3-boards.ts'

/** Modes of power by their numbers. */
const POWER_MODES: Readonly<Record<string, string>> = { '0': 'low', '1': 'normal', '2': 'high' }

/** The summary of version 3, which may come with other parts in one answer. */
export function v3Summary(answers: Answers): Place {
  return partOf(answers, 'summary')
}

/** What version 3 says of the machine; a failed command has a text here. */
export function deviceInfo(answers: Answers): Place {
  return answers.of('get.device.info').at('msg')
}

/** Version 3: TH/s, names in lower case. It counts no shares, and knows no mean of five minutes. */
export function readV3(input: AdapterInput): Reading {
  const { answers, context, collectedAtMs, warnings } = input
  const summary = v3Summary(answers)
  const info = deviceInfo(answers)
  const miner = info.at('miner')
  const isWorking = miner.at('working').flag()
  const temperatures = summary.at('board-temperature')
  const clock =
    clockS(answers.of('get.miner.status summary', 'get.miner.status')) ??
    clockS(answers.of('get.device.info'))
  return {
    source_api: 'whatsminer-v3',
    model: miner.at('type').text(),
    fw_ver: info.at('system', 'fwversion').text(),
    api_ver: info.at('system', 'api').text(),
    serial: miner.at('miner-sn').identity(),
    mac: info.at('network', 'mac').mac(),
    ip: info.at('network', 'ip').ip(),
    hostname: info.at('network', 'hostname').text(),
    device_time: deviceTime(clock, collectedAtMs, warnings),
    hashrate_hs: {
      now: summary.at('hash-realtime').rateHs(TERA),
      '1m': summary.at('hash-1min').rateHs(TERA),
      '15m': summary.at('hash-15min').rateHs(TERA),
      avg: summary.at('hash-average').rateHs(TERA),
    },
    hashrate_nominal_hs: summary.at('factory-hash').nominalHs(TERA),
    // The mean of five minutes lags.
    power_w: summary.at('power-realtime').powerW() ?? summary.at('power-5min').powerW(),
    power_source: 'miner',
    power_limit_w: summary.at('power-limit').powerLimitW(),
    uptime_s: summary.at('elapsed').seconds(),
    system_uptime_s: summary.at('bootup-time').seconds(),
    temp_c: {
      ambient: summary.at('environment-temperature').temperatureC(),
      board_max: largest(temperatures.items().map((board) => board.sensorC())),
      chip_avg: summary.at('chip-temp-avg').sensorC(),
      chip_max: summary.at('chip-temp-max').sensorC(),
    },
    fans: fansOf(summary, input),
    fan_psu_rpm: info.at('power', 'fanspeed').fanRpm(),
    boards: boardsOfV3(partOf(answers, 'edevs'), temperatures, miner),
    psus: info.at('power').isObject
      ? [{ serial: info.at('power', 'sn').identity(), fan_rpm: info.at('power', 'fanspeed').fanRpm() }]
      : null,
    pools: poolsOf(partOf(answers, 'pools')),
    mode: modeOf({
      isOff: isWorking === null ? null : !isWorking,
      isTuned: summary.at('up-freq-finish').flag(),
      named: POWER_MODES[String(info.at('power', 'mode').count() ?? '')] ?? '',
    }),
    is_mining: isWorking,
    errors: errorsOfV3(info, context.locationTimezone, collectedAtMs),
  }
}

/** A part of the state, which the node asks for alone or with the others. */
function partOf(answers: Answers, name: string): Place {
  return answers.of(`get.miner.status ${name}`, 'get.miner.status').at('msg', name)
}

function fansOf(summary: Place, { context }: AdapterInput): FanReading[] | null {
  const shown = [summary.at('fan-speed-in'), summary.at('fan-speed-out')].flatMap((fan, index) =>
    fan.isGiven ? [{ index, rpm: fan.fanRpm() }] : [],
  )
  return shown.length === 0 ? null : usedFans(shown, context.model)
}

/** While the machine is idle this command fails. */
function poolsOf(list: Place): PoolReading[] | null {
  if (!list.isList) return null
  return list.items().map((pool, at) => {
    const priority = pool.at('pool-priority').count()
    const status = pool.at('status').word()
    return {
      index: priority ?? at,
      url: pool.at('url').poolUrl(),
      user: pool.at('account').text(),
      priority,
      active: pool.at('stratum-active').flag(),
      alive: status === '' ? null : status === 'alive',
    }
  })
}

/** The list is left out of a description of the miner in which it would be empty. */
function errorsOfV3(
  info: Place,
  zone: string | null,
  collectedAtMs: number,
): ReturnType<typeof errorsOf> | null {
  const list = info.at('error-code')
  if (list.isList) return errorsOf(list, zone, collectedAtMs)
  return info.at('miner').isObject ? [] : null
}
