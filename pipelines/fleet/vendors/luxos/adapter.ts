import { GIGA, MEGA, TERA } from '../../../../schemas/units.ts'
import { sumOfAll } from '../../sums.ts'
import type { FanReading, Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { cgminerPools } from '../reading/cgminer.ts'
import type { Place } from '../reading/place.ts'
import { usedFans } from '../reading/used-fans.ts'
import { boardsOf } from './boards.ts'
import { errorsOf } from './errors.ts'
import { identityOf } from './identity.ts'
import { modeOf } from './mode.ts'
import { sensorsOf } from './sensors.ts'

/**
 * LuxOS, in cgminer's form. The machine's rates are in GH/s, those of boards in MH/s. In its statistics "total rate" is a mean
 * over boards and "total_acn" a number of slots, and the "Total MH" of its summary is a rate: none of them is read.
 */
export function readLuxos(input: AdapterInput): Reading {
  const { answers, collectedAtMs } = input
  const summary = answers.of('summary').at('SUMMARY', 0)
  const stats = statsOf(answers.of('stats').at('STATS'))
  const config = answers.of('config').at('CONFIG', 0)
  const sensors = sensorsOf(answers.of('temps'))
  const boards = boardsOf(answers.of('devs').at('DEVS'), stats, sensors.hottest)
  const rate = (window: string): number | null =>
    summary.at(`GHS ${window}`).rateHs(GIGA) ?? summary.at(`MHS ${window}`).rateHs(MEGA)
  return {
    source_api: 'luxos',
    ...identityOf(input, config),
    hashrate_hs: {
      now: rate('5s'),
      '1m': rate('1m'),
      '5m': rate('5m'),
      '15m': rate('15m'),
      '30m': rate('30m'),
      avg: rate('av'),
    },
    // Of the profile that is set, which may be far below what the machine was sold as.
    hashrate_nominal_hs:
      nominalOf(stats) ?? sumOfAll((boards ?? []).map(({ nominal_hs: nominal }) => nominal ?? null)),
    hashrate_sticker_hs: config.at('NameplateTHS').nominalHs(TERA),
    hw_errors: summary.at('Hardware Errors').counter(),
    ...watts(answers.of('power').at('POWER', 0)),
    uptime_s: summary.at('Elapsed').seconds() ?? stats.at('Elapsed').seconds(),
    temp_c: { inlet: sensors.inletC, outlet: sensors.outletC },
    fans: fansOf(answers.of('fans').at('FANS'), input),
    boards,
    pools: cgminerPools(answers.of('pools'), collectedAtMs),
    shares: {
      accepted: summary.at('Accepted').counter(),
      rejected: summary.at('Rejected').counter(),
      stale: summary.at('Stale').counter(),
    },
    best_share: summary.at('Best Share').counter(),
    found_blocks: summary.at('Found Blocks').counter(),
    ...modeOf(config),
    errors: errorsOf(answers.of('events').at('EVENTS')),
  }
}

/** The entry with the numbers; the first one names the firmware. */
function statsOf(entries: Place): Place {
  return entries.items().find((entry) => entry.at('Elapsed').isGiven) ?? entries.at(1)
}

function nominalOf(stats: Place): number | null {
  return stats.at('total_rateideal').nominalHs(stats.at('rate_unit').rateUnitHs() ?? GIGA)
}

/** The watts are an estimate, unless the machine says that its supply measures them. */
function watts(power: Place): Pick<Reading, 'power_w' | 'power_source'> {
  return {
    power_w: power.at('Watts').powerW(),
    power_source: power.at('PSU').flag() === true ? 'miner_psu' : 'miner_estimate',
  }
}

function fansOf(list: Place, { context }: AdapterInput): FanReading[] | null {
  if (!list.isList) return null
  const shown = list.items().map((fan, at) => ({
    index: fan.at('ID').count() ?? at,
    rpm: fan.at('RPM').fanRpm(),
    pct: fan.at('Speed').percent(),
  }))
  return usedFans(shown, context.model)
}
