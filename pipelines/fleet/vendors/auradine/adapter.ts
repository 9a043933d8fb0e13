import { MEGA } from '../../../../schemas/units.ts'
import type { FanReading, Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { cgminerPools, clockS } from '../reading/cgminer.ts'
import { deviceTime } from '../reading/clocks.ts'
import { usedFans } from '../reading/used-fans.ts'
import { readBoards } from './boards.ts'
import { readErrors } from './errors.ts'
import { modeOf } from './mode.ts'
import { readPower } from './supplies.ts'

/**
 * Auradine's firmware on HTTP 8080 (TCP 4028 answers the same): an answer for each part of the machine, each in a list under a
 * name of its own.
 */
export function readAuradine(input: AdapterInput): Reading {
  const { answers, collectedAtMs, warnings } = input
  const answer = answers.of('summary')
  const summary = answer.at('SUMMARY', 0)
  const report = answers.of('ipreport').at('IPReport', 0)
  const mode = answers.of('mode').at('Mode', 0)
  const set = modeOf(mode)
  const rate = (key: string): number | null => summary.at(key).rateHs(MEGA)
  return {
    source_api: 'auradine',
    model: report.at('model').identity(),
    fw_ver: report.at('version').text(),
    api_ver: answers.of('version').at('VERSION', 0, 'API').text(),
    serial: report.at('SerialNo').identity(),
    mac: report.at('mac').mac(),
    ip: report.at('ip').ip(),
    hostname: report.at('hostname').text(),
    device_time: deviceTime(clockS(answer), collectedAtMs, warnings),
    hashrate_hs: {
      now: rate('MHS 5s'),
      '1m': rate('MHS 1m'),
      '5m': rate('MHS 5m'),
      '15m': rate('MHS 15m'),
      avg: rate('MHS av'),
    },
    hw_errors: summary.at('Hardware Errors').counter(),
    ...readPower(input, summary),
    power_limit_w: mode.at('Power').powerLimitW(),
    uptime_s: summary.at('Elapsed').seconds(),
    fans: readFans(input),
    boards: readBoards(input, set.mode === 'sleep'),
    pools: cgminerPools(answers.of('pools'), collectedAtMs),
    shares: {
      accepted: summary.at('Accepted').counter(),
      rejected: summary.at('Rejected').counter(),
      stale: summary.at('Stale').counter(),
    },
    best_share: summary.at('Best Share').counter(),
    found_blocks: summary.at('Found Blocks').counter(),
    ...set,
    errors: readErrors(answers.of('led')),
  }
}

/** Numbered from 1. */
function readFans({ answers, context }: AdapterInput): FanReading[] | null {
  const list = answers.of('fan').at('Fan')
  if (!list.isList) return null
  const fans = list.items().map((fan, at) => {
    const number = fan.at('ID').count() ?? 0
    return { index: number > 0 ? number - 1 : at, rpm: fan.at('Speed').fanRpm() }
  })
  return usedFans(fans, context.model)
}
