import { GIGA, MEGA } from '../../../../schemas/units.ts'
import type { FanReading, Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { cgminerPools } from '../reading/cgminer.ts'
import type { Place } from '../reading/place.ts'
import { usedFans } from '../reading/used-fans.ts'
import { boardsOf } from './boards.ts'
import { bracketParts } from './bracket-text.ts'
import { errorsOf } from './errors.ts'
import { identityOf } from './identity.ts'
import { powerOf } from './power.ts'
import { workOf } from './work.ts'

/** No module has more connectors. */
const FANS_MAX = 8

/**
 * Canaan's Avalons since their tenth series. Nearly everything is one text within cgminer's statistics, in GH/s, while the
 * fields of cgminer beside it are in MH/s. Its mean rate keeps its last value while the machine is idle.
 */
export function readAvalon(input: AdapterInput): Reading {
  const { answers, collectedAtMs } = input
  const { parts, entry } = moduleOf(input)
  const device = answers.of('devs').at('DEVS', 0)
  const summary = answers.of('summary').at('SUMMARY', 0)
  const work = workOf(parts)
  return {
    source_api: 'avalon',
    ...identityOf(input),
    hashrate_hs: {
      now: parts.at('ghsspd', 0).rateHs(GIGA) ?? device.at('MHS 5s').rateHs(MEGA),
      '1m': device.at('MHS 1m').rateHs(MEGA),
      '5m': device.at('MHS 5m').rateHs(MEGA),
      '15m': device.at('MHS 15m').rateHs(MEGA),
      avg: parts.at('ghsavg', 0).rateHs(GIGA),
    },
    hashrate_nominal_hs: parts.at('ghsmm', 0).nominalHs(GIGA),
    hw_errors: parts.at('hw', 0).counter() ?? device.at('Hardware Errors').counter(),
    hw_error_ratio: parts.at('dh', 0).ratioOfPercent(),
    ...powerOf(parts),
    uptime_s: parts.at('elapsed', 0).seconds() ?? entry.at('Elapsed').seconds(),
    temp_c: {
      ambient: parts.any('temp', 'itemp').at(0).temperatureC(),
      inlet: parts.at('hbitemp', 0).sensorC(),
      outlet: parts.at('hbotemp', 0).sensorC(),
      board_max: device.at('Temperature').sensorC(),
      chip_avg: parts.at('tavg', 0).sensorC(),
      chip_max: parts.at('tmax', 0).sensorC(),
    },
    fans: fansOf(parts, input),
    boards: boardsOf(parts, bracketParts(entry.at('HBinfo'), input.warnings), work),
    pools: cgminerPools(answers.of('pools'), collectedAtMs),
    shares: {
      accepted: summary.at('Accepted').counter(),
      rejected: summary.at('Rejected').counter(),
      stale: summary.at('Stale').counter(),
    },
    best_share: summary.at('Best Share').counter(),
    found_blocks: summary.at('Found Blocks').counter(),
    mode: work.isOff === true ? 'sleep' : null,
    status_raw: work.shown,
    is_mining: work.isMining,
    errors: errorsOf(parts),
  }
}

/** The module's text, and the entry of the statistics that has it. Home machines call it a summary. */
function moduleOf({ answers, warnings }: AdapterInput): { parts: Place; entry: Place } {
  const stats = answers.of('estats', 'stats', 'litestats').at('STATS')
  const text = (entry: Place): Place => entry.any('MM ID0', 'MM ID0:Summary')
  const entry = stats.items().find((one) => text(one).isGiven) ?? stats.at(0)
  return { parts: bracketParts(text(entry), warnings), entry }
}

/** One ratio for all fans. */
function fansOf(parts: Place, { context }: AdapterInput): FanReading[] | null {
  const pct = parts.at('fanr', 0).percent()
  const shown = Array.from({ length: FANS_MAX }, (_, index) => parts.at(`fan${index + 1}`, 0)).flatMap(
    (fan, index) => (fan.isGiven ? [{ index, rpm: fan.fanRpm(), pct }] : []),
  )
  return shown.length === 0 ? null : usedFans(shown, context.model)
}
