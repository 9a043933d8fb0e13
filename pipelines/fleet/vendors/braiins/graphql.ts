import { MEGA } from '../../../../schemas/units.ts'
import type { PoolReading, Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import type { Place } from '../reading/place.ts'
import { usedFans } from '../reading/used-fans.ts'
import { airOf } from './board.ts'
import { errorsOf } from './errors.ts'
import { firmwareName } from './firmware-name.ts'
import { graphqlBoards } from './graphql-boards.ts'
import { intentOf, modeOf, stateName } from './status.ts'

/** One answer with the parts that were asked for. All rates are in MH/s. Where the miner does not run, `info` is a message. */
export function readGraphql({ context, collectedAtMs }: AdapterInput, data: Place): Reading {
  const system = data.at('bos')
  const info = data.at('bosminer', 'info')
  const solver = info.at('workSolver')
  const summary = info.at('summary')
  const given = solver.at('realHashrate')
  const rates = given.isObject ? given : summary.at('realHashrate')
  const boards = graphqlBoards(solver.at('childSolvers'))
  const fans = info.at('fans')
  const fwVer = system.at('info', 'version', 'full').text()
  const state = stateName(data.any('minerStatus', 'status').word())
  const shares = summary.at('shares')
  return {
    source_api: 'braiins',
    model: info.at('modelName').text(),
    firmware: firmwareName(fwVer, system.at('info', 'version', 'isPlus').flag()),
    fw_ver: fwVer,
    serial: system.at('serialNumber').identity(),
    mac: system.at('macAddress').mac(),
    hostname: system.at('hostname').text(),
    hashrate_hs: {
      now: rates.at('mhs5S').rateHs(MEGA),
      '1m': rates.at('mhs1M').rateHs(MEGA),
      '5m': rates.at('mhs5M').rateHs(MEGA),
      '15m': rates.at('mhs15M').rateHs(MEGA),
      '30m': rates.at('mhs30M').rateHs(MEGA),
      '1h': rates.at('mhs1H').rateHs(MEGA),
      avg: rates.any('mhsSinceRestart', 'mhsAv').rateHs(MEGA),
    },
    hashrate_nominal_hs: solver.at('nominalMhs').nominalHs(MEGA),
    power_w: summary.at('power', 'approxConsumptionW').powerW(),
    power_source: 'miner_estimate',
    power_limit_w: summary.at('power', 'limitW').powerLimitW(),
    uptime_s: data.at('bosminer', 'uptime', 'durationS').seconds(),
    system_uptime_s: system.at('uptime', 'durationS').seconds(),
    temp_c: {
      ambient: summary.at('temperatureAmbient', 'degreesC').sensorC(),
      ...airOf(boards),
    },
    fans: fans.isList
      ? usedFans(
          fans.items().map((fan, at) => ({
            index: fan.at('name').count() ?? at,
            rpm: fan.at('rpm').fanRpm(),
            pct: fan.at('speed').percent(),
          })),
          context.model,
        )
      : null,
    boards: boards?.map(({ board }) => board) ?? null,
    pools: poolsOf(info.at('poolGroups')),
    shares: {
      accepted: shares.at('acceptedSolutions').counter(),
      rejected: shares.at('rejectedSolutions').counter(),
      stale: shares.at('staleSolutions').counter(),
    },
    best_share: summary.at('bestShare').counter(),
    found_blocks: summary.at('foundBlocks').counter(),
    mode: modeOf(state, summary.at('tunerStatus').word()),
    status_raw: state,
    is_mining: intentOf(state),
    errors: errorsOf(system.at('errors'), state, collectedAtMs),
  }
}

/** The pools of all groups, one after the other. Solutions are shares. */
function poolsOf(groups: Place): PoolReading[] | null {
  if (!groups.isList) return null
  const pools = groups.items().flatMap((group) => group.at('pools').items())
  return pools.map((pool, index) => {
    const status = pool.at('status').word()
    const shares = pool.at('shares')
    return {
      index,
      url: pool.at('url').poolUrl(),
      user: pool.at('user').text(),
      active: pool.at('active').flag(),
      alive: status === '' ? null : status === 'alive',
      accepted: shares.at('acceptedSolutions').counter(),
      rejected: shares.at('rejectedSolutions').counter(),
      stale: shares.at('staleSolutions').counter(),
      diff_accepted: shares.at('acceptedDifficulty').counter(),
      diff_rejected: shares.at('rejectedDifficulty').counter(),
      diff_stale: shares.at('staleDifficulty').counter(),
      difficulty: pool.at('lastDifficulty').counter({ zeroIsNone: true }),
    }
  })
}
