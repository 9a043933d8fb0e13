import type { Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import type { Answers } from '../reading/answers.ts'
import type { Place } from '../reading/place.ts'
import { usedFans } from '../reading/used-fans.ts'
import { airOf } from './board.ts'
import { errorsOf } from './errors.ts'
import { restBoards } from './rest-boards.ts'
import { restIdentity } from './rest-identity.ts'
import { restPools } from './rest-pools.ts'
import { intentOf, modeOf, stateName } from './status.ts'
import { celsiusOf, nominalOf, rateOf } from './units.ts'

const BASE = 'api/v1/'

/** The answer to a path, with or without the interface's base. */
function answerTo(answers: Answers, path: string): Place {
  return answers.of(path, BASE + path)
}

export function hasRest(answers: Answers): boolean {
  return answerTo(answers, 'miner/stats').isObject || answerTo(answers, 'miner/details').isObject
}

/** `last_24h` is never a rate: after a restart it counts the hours before it as 0. */
export function readRest(input: AdapterInput): Reading {
  const { answers, context, collectedAtMs } = input
  const stats = answerTo(answers, 'miner/stats')
  const miner = stats.at('miner_stats')
  const rates = miner.at('real_hashrate')
  const shares = stats.at('pool_stats')
  const details = answerTo(answers, 'miner/details')
  const boards = restBoards(answerTo(answers, 'miner/hw/hashboards').at('hashboards'))
  const fans = answerTo(answers, 'cooling/state').at('fans')
  const tuner = answerTo(answers, 'performance/tuner-state').at('overall_tuner_state')
  const state = stateOf(answers, details)
  return {
    source_api: 'braiins',
    ...restIdentity(details, answerTo(answers, 'network')),
    hashrate_hs: {
      now: rateOf(rates.at('last_5s')),
      '1m': rateOf(rates.at('last_1m')),
      '5m': rateOf(rates.at('last_5m')),
      '15m': rateOf(rates.at('last_15m')),
      '30m': rateOf(rates.at('last_30m')),
      '1h': rateOf(rates.at('last_1h')),
      avg: rateOf(rates.at('since_restart')),
    },
    hashrate_nominal_hs: nominalOf(miner.at('nominal_hashrate')),
    hashrate_sticker_hs: nominalOf(details.at('sticker_hashrate')),
    hashrate_error_hs: rateOf(miner.at('error_hashrate')),
    power_w: stats.at('power_stats', 'approximated_consumption', 'watt').powerW(),
    power_source: 'miner_estimate',
    power_limit_w: limitOf(answerTo(answers, 'configuration/miner').at('tuner')),
    // 0 says that the process is not running.
    uptime_s: details.at('bosminer_uptime_s').seconds({ zeroIsNone: true }),
    system_uptime_s: details.any('system_uptime_s', 'system_uptime').seconds(),
    temp_c: {
      ...airOf(boards),
      chip_max: hottestChip(answers),
    },
    fans: fans.isList
      ? usedFans(
          fans.items().map((fan, at) => ({
            index: fan.at('position').count() ?? at,
            rpm: fan.at('rpm').fanRpm(),
            pct: fan.at('target_speed_ratio').percent({ per: 0.01 }),
          })),
          context.model,
        )
      : null,
    boards: boards?.map(({ board }) => board) ?? null,
    pools: restPools(answerTo(answers, 'pools'), collectedAtMs),
    shares: {
      accepted: shares.at('accepted_shares').counter(),
      rejected: shares.at('rejected_shares').counter(),
      stale: shares.at('stale_shares').counter(),
    },
    best_share: miner.at('best_share').counter(),
    found_blocks: miner.at('found_blocks').counter(),
    mode: modeOf(state, String(tuner.count() ?? tuner.word())),
    status_raw: state,
    is_mining: intentOf(state),
    errors: errorsOf(answerTo(answers, 'miner/errors').at('errors'), state, collectedAtMs),
  }
}

/** The state stands among the details, in newer releases in an answer of its own, too. */
function stateOf(answers: Answers, details: Place): string | null {
  const inDetails = details.at('status')
  const status = inDetails.isGiven ? inDetails : answerTo(answers, 'miner/status').at('status')
  return stateName(String(status.count() ?? status.word()))
}

/** The hottest sensor of all, where it is one of a chip: location 1. Those of boards have other locations. */
function hottestChip(answers: Answers): number | null {
  const sensor = answerTo(answers, 'cooling/state').at('highest_temperature')
  return sensor.at('location').count() === 1 ? celsiusOf(sensor.at('temperature')) : null
}

/** A target of watts is set where the tuner runs and is not set to a target of hashes. */
function limitOf(tuner: Place): number | null {
  return tuner.at('enabled').flag() === false ? null : tuner.at('power_target', 'watt').powerLimitW()
}
