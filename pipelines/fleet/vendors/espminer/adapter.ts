import { GIGA } from '../../../../schemas/units.ts'
import type { Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import type { Place } from '../reading/place.ts'
import { chipTemperatures, readBoard, readTemperatures } from './board.ts'
import { readFans } from './fans.ts'
import { readFaults } from './faults.ts'
import { readPools, readShares } from './pools.ts'
import { readRates } from './rates.ts'

/**
 * ESP-Miner (AxeOS) and its forks, on small machines of one board: one flat object over HTTP, in GH/s, mV, mA and W. It has
 * no clock. What it calls the highest power is what its board can bear, not a limit that is set.
 */
export function readEspminer({ answers, context }: AdapterInput): Reading {
  const info = answers.of('api/system/info')
  const asic = answers.of('api/system/asic')
  const chips = chipTemperatures(info)
  const shares = readShares(info)
  return {
    source_api: 'espminer',
    model: info.at('deviceModel').identity() ?? asic.at('deviceModel').identity(),
    fw_ver: info.at('version').text(),
    mac: info.at('macAddr').mac(),
    ip: info.any('hostip', 'ipv4').ip(),
    hostname: info.at('hostname').text(),
    hashrate_hs: readRates(info),
    hashrate_nominal_hs: info.at('expectedHashrate').nominalHs(GIGA),
    hw_error_ratio: info.at('errorPercentage').ratioOfPercent(),
    power_w: info.at('power').powerW(),
    power_source: 'miner',
    uptime_s: info.at('uptimeSeconds').seconds(),
    temp_c: readTemperatures(info, chips),
    fans: readFans(info, context.model),
    boards: info.any('hashRate', 'asicCount').isGiven ? [readBoard(info, asic, chips)] : null,
    pools: readPools(info, shares),
    shares,
    best_share: info.at('bestDiff').counter(),
    found_blocks: info.any('foundBlocks', 'blockFound').counter(),
    is_mining: isMining(info),
    errors: readFaults(info),
  }
}

/** The pause that is set, or the shutdown of one fork. Releases before 2.7 know neither. */
function isMining(info: Place): boolean | null {
  const isStopped = info.any('miningPaused', 'shutdown').flag()
  return isStopped === null ? null : !isStopped
}
