import { MEGA } from '../../../../schemas/units.ts'
import type { Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { cgminerPools, clockS } from '../reading/cgminer.ts'
import { deviceTime } from '../reading/clocks.ts'
import { readBoards, readFans } from './boards.ts'
import { readErrors } from './errors.ts'
import { modeOf } from './mode.ts'
import { readRates } from './rates.ts'
import { readSupply } from './supply.ts'

/**
 * SealMiner's firmware on TCP 4028: one flat object of statistics, with the number of a board or of a fan before its keys, and
 * rates in MH/s. The serial number that it shows is that of the control board, so none is given.
 */
export function readSealminer({ answers, collectedAtMs, warnings }: AdapterInput): Reading {
  const answer = answers.of('stats')
  const stats = answer.at('STATS', 0)
  const summary = answers.of('summary').at('SUMMARY', 0)
  const system = answers.of('get_system_info', 'get_system_info.cgi')
  const uptimeS = stats.at('Elapsed').seconds() ?? summary.at('Elapsed').seconds()
  const supply = readSupply(stats)
  return {
    source_api: 'sealminer',
    model: stats.at('Model').identity() ?? system.at('miner_type').identity(),
    fw_ver: stats.at('Firmware').text() ?? system.at('firmware_version').text(),
    api_ver: answers.of('version').at('VERSION', 0, 'API').text(),
    mac: stats.at('MAC').mac() ?? system.at('macaddr').mac(),
    ip: stats.at('IP').ip() ?? system.at('ipaddress').ip(),
    device_time: deviceTime(clockS(answer), collectedAtMs, warnings),
    hashrate_hs: readRates(stats, uptimeS),
    hashrate_nominal_hs: stats.at('MHS(Ideal)').nominalHs(MEGA),
    hashrate_sticker_hs: stats.at('MHS(Rated)').nominalHs(MEGA),
    hw_errors: summary.at('Hardware Errors').counter(),
    power_w: supply?.in_w ?? null,
    power_source: 'miner_psu',
    power_limit_w: stats.at('Power Limit').powerLimitW(),
    uptime_s: uptimeS,
    system_uptime_s: stats.at('System Uptime').seconds(),
    temp_c: { psu: stats.at('PSU Temp AMB').sensorC() },
    fans: readFans(stats),
    fan_psu_rpm: supply?.fan_rpm ?? null,
    boards: readBoards(stats),
    psus: supply === null ? null : [supply],
    pools: cgminerPools(answers.of('pools'), collectedAtMs),
    shares: {
      accepted: summary.at('Accepted').counter(),
      rejected: summary.at('Rejected').counter(),
      stale: summary.at('Stale').counter(),
    },
    best_share: summary.at('Best Share').counter(),
    found_blocks: summary.at('Found Blocks').counter(),
    ...modeOf(stats),
    status_raw: stats.at('PM State').text(),
    errors: readErrors(stats),
  }
}
