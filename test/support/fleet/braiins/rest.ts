import type * as fc from 'fast-check'
import type { JsonObject } from '../../../../pipelines/json/json-object.ts'
import type { GeneratedPoll } from '../generators.ts'
import type { BoardTruth } from '../../../../infra/local/fleet-sample/machines/answers/truth.ts'
import { PASSWORD } from '../../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { lastShareAt } from '../poll-document.ts'
import type { AskedAnswer } from '../../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { POLLED_AT_S } from '../poll-document.ts'
import { ordered, orAbsent } from '../../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { listed } from '../../../../infra/local/fleet-sample/machines/answers/styled.ts'
import { boardsSaying, overlaid, vendorDocument } from '../vendor-document.ts'
import { DILUTED, WINDOWS, braiinsTelemetry, braiinsTruth, firstBoard, outletC, stateOf } from './truth.ts'
import type { BraiinsTruth } from './truth.ts'

const STATES = ['NOT_STARTED', 'NORMAL', 'PAUSED', 'SUSPENDED', 'RESTRICTED']

/** Answers of the public interface: units in the keys, boards numbered from 1, disabled boards, pools in groups. */
export const braiinsRest: fc.Arbitrary<GeneratedPoll> = braiinsTruth.map((truth) => ({
  document: vendorDocument('braiins', truth, answersOf(truth)),
  expected: { telemetry: telemetry(truth), warnings: [] },
}))

/** Boards without chips are lost, or disabled. */
const isDisabled = ({ choice }: BraiinsTruth): boolean => choice % 2 === 0

function answersOf(truth: BraiinsTruth): AskedAnswer[] {
  const base = truth.choice % 3 === 0 ? 'api/v1/' : ''
  const { order } = truth.style
  return [
    [`${base}miner/stats`, ordered(statsOf(truth), order)],
    [`${base}miner/details`, ordered(detailsOf(truth), order)],
    [
      `${base}miner/hw/hashboards`,
      {
        hashboards: listed(
          truth.boards.map((board, at) => boardOf(truth, board, at)),
          truth,
        ),
      },
    ],
    [
      `${base}cooling/state`,
      {
        fans: listed(
          truth.fansRpm.map((rpm, position) => ({ position, rpm, target_speed_ratio: 0.65 })),
          truth,
        ),
      },
    ],
    [`${base}performance/tuner-state`, { overall_tuner_state: truth.isTuning ? 3 : 2 }],
    [
      `${base}configuration/miner`,
      { tuner: { enabled: truth.choice % 5 > 0, power_target: { watt: 3_300 } } },
    ],
    [`${base}network`, { networks: truth.ip === null ? [] : [{ address: truth.ip }] }],
    [`${base}pools`, groupsOf(truth)],
  ]
}

const ghs = (rateHs: number | null): JsonObject | null =>
  rateHs === null ? null : { gigahash_per_second: rateHs / 1e9 }

function statsOf(truth: BraiinsTruth): JsonObject {
  const { windowsHs, pools } = truth
  const windows = WINDOWS.map((window) => [`last_${window}`, ghs(windowsHs[window])])
  const rates = {
    last_5s: ghs(truth.nowHs),
    ...Object.fromEntries(windows),
    last_24h: { gigahash_per_second: DILUTED },
    since_restart: ghs(truth.meanHs),
  }
  const total = (name: 'accepted' | 'rejected' | 'stale'): number =>
    pools.reduce((all, pool) => all + pool[name], 0)
  return {
    miner_stats: ordered(
      {
        nominal_hashrate: ghs(truth.nominalHs),
        error_hashrate: { megahash_per_second: 125.5 },
        real_hashrate: ordered(rates, truth.style.order),
        found_blocks: 0,
      },
      truth.style.order,
    ),
    pool_stats: {
      accepted_shares: total('accepted'),
      rejected_shares: total('rejected'),
      stale_shares: total('stale'),
    },
    power_stats: { approximated_consumption: truth.powerW === null ? null : { watt: truth.powerW } },
  }
}

function detailsOf(truth: BraiinsTruth): JsonObject {
  const state = stateOf(truth)
  return {
    hostname: truth.hostname ?? undefined,
    mac_address: orAbsent(truth.mac, (mac) => mac.toLowerCase()),
    serial_number: truth.serial,
    status: truth.choice % 7 === 0 ? `MINER_STATUS_${state}` : STATES.indexOf(state) + 1,
    bosminer_uptime_s: truth.uptimeS ?? 0,
    [truth.choice % 2 === 0 ? 'system_uptime_s' : 'system_uptime']: truth.systemUptimeS ?? undefined,
    bos_version: truth.fwVer === null ? null : { current: truth.fwVer, bos_plus: truth.isPlus },
    miner_identity: { name: truth.model.model },
    psu_info: null,
  }
}

function boardOf(truth: BraiinsTruth, board: BoardTruth, at: number): JsonObject {
  const isOff = board.chips === 0
  const celsius = (temperature: number | null): JsonObject | null =>
    temperature === null ? null : { degree_c: temperature }
  return ordered(
    {
      id: String(at + firstBoard(truth)),
      enabled: !(isOff && isDisabled(truth)),
      chips_count: isOff && isDisabled(truth) ? null : board.chips,
      serial_number: isOff ? null : board.serial,
      board_temp: isOff ? null : celsius(board.boardC),
      highest_chip_temp: { id: 1, location: 1, temperature: isOff ? null : celsius(board.chipC) },
      lowest_inlet_temp: celsius(truth.inletsC[at] ?? null),
      highest_outlet_temp: celsius(outletC(board)),
      current_frequency: { hertz: isOff ? 0 : (board.freqMhz ?? 0) * 1e6 },
      current_voltage: { volt: 13.25 },
      stats: {
        nominal_hashrate: isOff ? null : ghs(board.nominalHs),
        real_hashrate: { last_5s: isOff ? null : ghs(board.rateHs) },
      },
    },
    truth.style.order,
  )
}

function groupsOf(truth: BraiinsTruth): JsonObject[] {
  const pools = truth.pools.map((pool, index) => ({
    url: pool.url.replace('://', `://acct:${PASSWORD}@`),
    user: pool.user,
    alive: pool.isAlive,
    active: index === 0,
    stats: {
      accepted_shares: pool.accepted,
      rejected_shares: pool.rejected,
      stale_shares: pool.stale,
      last_difficulty: pool.difficulty,
      last_share_time: pool.shareAgeS === null ? null : { seconds: POLLED_AT_S - pool.shareAgeS, nanos: 5 },
    },
  }))
  return [
    { name: 'first', pools: pools.slice(0, 1) },
    { name: 'second', pools: pools.slice(1) },
  ]
}

function telemetry(truth: BraiinsTruth): JsonObject {
  const boards = boardsSaying(truth, [
    'serial',
    'hashrate_hs',
    'nominal_hs',
    'temp_board_c',
    'temp_chip_c',
    'chips',
    'freq_mhz',
  ])
  const first = firstBoard(truth) - 1
  const shown = boards.map((board, at) => {
    const slot = at + first
    if (board['present'] === true) return overlaid(board, { slot, enabled: true, voltage_v: 13.25 })
    const off = isDisabled(truth) ? { present: true, enabled: false, chips: null } : { enabled: true }
    return overlaid(board, { slot, hashrate_hs: null, ...off })
  })
  return {
    ...braiinsTelemetry(truth),
    hashrate_error_hs: 125_500_000,
    power_limit_w: truth.choice % 5 > 0 ? 3_300 : null,
    boards: shown,
    pools: truth.pools.map((pool, index) => ({
      index,
      url: pool.url,
      user: pool.user,
      alive: pool.isAlive,
      active: index === 0,
      accepted: pool.accepted,
      rejected: pool.rejected,
      stale: pool.stale,
      difficulty: pool.difficulty,
      last_share_at: lastShareAt(pool),
    })),
    shares: {
      accepted: truth.pools.reduce((sum, { accepted }) => sum + accepted, 0),
      rejected: truth.pools.reduce((sum, { rejected }) => sum + rejected, 0),
      stale: truth.pools.reduce((sum, { stale }) => sum + stale, 0),
    },
  }
}
