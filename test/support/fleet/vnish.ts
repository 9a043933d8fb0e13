import * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { maxOf, sumOf, telemetryOf } from './expected.ts'
import type { GeneratedPoll } from './generators.ts'
import type { BoardTruth } from '../../../infra/local/fleet-sample/machines/answers/truth.ts'
import { POLLED_AT_S } from './poll-document.ts'
import type { AskedAnswer } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { clockText, ordered, orAbsent } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { listed } from '../../../infra/local/fleet-sample/machines/answers/styled.ts'
import {
  BOARD_MEMBERS,
  boardsSaying,
  overlaid,
  styledTruth,
  timeTextS,
  vendorDocument,
} from './vendor-document.ts'
import type { StyledTruth } from '../../../infra/local/fleet-sample/machines/answers/styled.ts'

const STEP_HS = 10_000
const DAY_S = 86_400

interface VnishTruth extends StyledTruth {
  /** The unit of the rates, which machines for Scrypt have otherwise. */
  readonly unitHs: number
  readonly upS: number
  readonly isOld: boolean
  readonly hasFailedSensor: boolean
  readonly hasFee: boolean
  readonly waterC: readonly (readonly [number, number])[] | null
  readonly millivolts: number
}

/** Answers of VNish: two units, uptime as a text, failed sensors that show a number, the maker's pool, water. */
export const vnish: fc.Arbitrary<GeneratedPoll> = fc
  .record({
    truth: styledTruth({ rateStepHs: STEP_HS, boardsMax: 4, fansMax: 4 }),
    unitHs: fc.constantFrom(1e9, 1e6),
    upS: fc.nat(40 * DAY_S).map((seconds) => seconds - (seconds % 60)),
    isOld: fc.boolean(),
    hasFailedSensor: fc.boolean(),
    hasFee: fc.boolean(),
    waterC: fc.option(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 41, max: 70 })), {
        minLength: 4,
        maxLength: 4,
      }),
    ),
    millivolts: fc.integer({ min: 9_000, max: 16_000 }),
  })
  .map(({ truth, ...rest }) => {
    const all = { ...truth, ...rest }
    return {
      document: vendorDocument('vnish', all, answersOf(all)),
      expected: { telemetry: telemetry(all), warnings: warnings(all) },
    }
  })

const MODES: Readonly<Record<string, string>> = { normal: 'mining', low: 'auto-tuning', sleep: 'stopped' }
const stateOf = ({ mode }: VnishTruth): string => (mode === null ? 'something-new' : (MODES[mode] ?? ''))
const isLost = ({ chips }: BoardTruth): boolean => chips === 0

function answersOf(truth: VnishTruth): AskedAnswer[] {
  const serials = truth.boards.map(({ serial }, at) => ({ id: at + 1, serial: serial ?? '' }))
  return [
    ['/api/v1/info', ordered(infoOf(truth), truth.style.order)],
    ['/api/v1/summary', { miner: minerOf(truth) }],
    ['/api/v1/chains/factory-info', { chains: serials }],
  ]
}

/** "0:06", "1 day,  2:10", "8 days,  5:07". */
function uptimeText(upS: number): string {
  const days = Math.floor(upS / DAY_S)
  const clock = clockText(upS % DAY_S).slice(0, -3)
  if (days === 0) return clock
  return `${days} day${days === 1 ? '' : 's'},  ${clock}`
}

function infoOf(truth: VnishTruth): JsonObject {
  const network = {
    mac: truth.mac ?? undefined,
    ip: truth.ip ?? '0.0.0.0',
    hostname: truth.hostname ?? undefined,
  }
  return {
    fw_name: 'Vnish',
    fw_version: truth.fwVer ?? undefined,
    miner: truth.model.model,
    serial: truth.serial ?? undefined,
    hr_measure: truth.unitHs === 1e9 && truth.isOld ? undefined : truth.unitHs === 1e9 ? 'GH/s' : 'MH/s',
    system: { uptime: uptimeText(truth.upS), network_status: network },
  }
}

function minerOf(truth: VnishTruth): JsonObject {
  const { unitHs, isOld, fansRpm } = truth
  const rate = (rateHs: number | null, scale = 1): number | undefined =>
    orAbsent(rateHs, (known) => known / unitHs / scale)
  const rates = isOld
    ? { instant_hashrate: rate(truth.nowHs, 1_000), average_hashrate: rate(truth.meanHs, 1_000) }
    : {
        hr_realtime: rate(truth.nowHs),
        hr_average: rate(truth.meanHs),
        instant_hashrate: rate(truth.nowHs, 1_000),
      }
  const fans = fansRpm.map((rpm, id) => ({ id, rpm, status: rpm === 0 ? 'lost' : 'ok' }))
  return ordered(
    {
      ...rates,
      miner_status: { miner_state: stateOf(truth), miner_state_time: 77 },
      hr_nominal: rate(truth.nominalHs) ?? 0,
      hw_errors_percent: 0.5,
      pcb_temp: { min: 1, max: 150 },
      chip_temp: { min: 1, max: 150 },
      [isOld ? 'power_usage' : 'power_consumption']: truth.powerW ?? undefined,
      cooling: { fan_num: fans.length, fans: listed(fans, truth), fan_duty: 44 },
      chains: listed(
        truth.boards.map((board, at) => chainOf(truth, board, at)),
        truth,
      ),
      pools: poolsOf(truth),
    },
    truth.style.order,
  )
}

/** A sensor that failed shows more than any that measures, and so does the chain's maximum. */
function chainOf(truth: VnishTruth, board: BoardTruth, at: number): JsonObject {
  const lost = isLost(board)
  const sensors = (hottest: number | null): JsonObject[] => [
    { status: 'measure', temp: hottest === null ? 0 : hottest - 1 },
    ...(truth.hasFailedSensor ? [{ status: 'error', temp: 149 }] : []),
    { status: 'measure', temp: lost ? 0 : (hottest ?? 0) },
    { status: 'init', temp: 148 },
  ]
  const [inlet, outlet] = truth.waterC?.[at] ?? [undefined, undefined]
  return ordered(
    {
      id: at + 1,
      frequency: board.freqMhz ?? 0,
      voltage: truth.millivolts,
      power_consumption: 500 + at,
      hashrate_ideal: orAbsent(board.nominalHs, (rateHs) => rateHs / truth.unitHs),
      hashrate_rt: orAbsent(board.rateHs, (rateHs) => rateHs / truth.unitHs),
      hw_errors: board.hwErrors ?? undefined,
      pcb_temp_sens: lost ? [] : sensors(board.boardC),
      chip_temp_sens: lost ? [] : sensors(board.chipC),
      inlet_water_temp: inlet,
      outlet_water_temp: outlet,
      chip_statuses: { red: 2, orange: lost ? 0 : 1, grey: lost ? 0 : board.chips - 1 },
      status: { state: lost ? 'disconnected' : 'mining' },
    },
    truth.style.order,
  )
}

function poolsOf(truth: VnishTruth): JsonObject[] {
  const own = truth.pools.map((pool, id) => ({
    id,
    url: pool.url,
    pool_type: 'UserPool',
    user: pool.user,
    status: pool.isAlive ? (id === 0 ? 'active' : 'working') : 'offline',
    accepted: pool.accepted,
    rejected: pool.rejected,
    stale: pool.stale,
    diff: '64K',
    ls_diff: pool.difficulty,
    ls_time: pool.shareAgeS === null ? '' : clockText(pool.shareAgeS),
  }))
  const fee = {
    id: own.length,
    url: 'DevFee',
    pool_type: 'DevFee',
    user: 'DevFee',
    status: 'working',
    accepted: 9,
    rejected: 8,
    stale: 7,
  }
  return listed(truth.hasFee ? [...own, fee] : own, truth)
}

function telemetry(truth: VnishTruth): JsonObject {
  const alive = truth.boards.filter((board) => !isLost(board))
  const boards = boardsSaying(truth, BOARD_MEMBERS)
  const shown = boards.map((board, at) => {
    const { rateHs, nominalHs, freqMhz, hwErrors, serial } = truth.boards[at] as BoardTruth
    const lost = {
      hashrate_hs: rateHs,
      nominal_hs: nominalHs,
      freq_mhz: freqMhz,
      hw_errors: hwErrors,
      serial,
      chips: null,
    }
    const common = { voltage_v: truth.millivolts / 1_000, power_w: 500 + at, enabled: true }
    return overlaid(board, board['present'] === true ? common : { ...common, ...lost })
  })
  const water = truth.boards.map((_, at) => truth.waterC?.[at]).filter((pair) => pair !== undefined)
  const boardMax = maxOf(alive.map(({ boardC }) => boardC))
  const chipMax = maxOf(alive.map(({ chipC }) => chipC))
  const mode = truth.mode === 'low' ? 'tuning' : truth.mode
  return {
    ...telemetryOf(truth),
    source_api: 'vnish',
    firmware: 'VNish',
    uptime_s: null,
    system_uptime_s: truth.upS,
    hashrate_hs: { now: truth.nowHs, '1m': null, '5m': null, avg: truth.meanHs },
    hw_errors: sumOf(alive.map(({ hwErrors }) => hwErrors)),
    hw_error_ratio: 0.005,
    power_source: truth.powerW === null ? null : 'miner',
    temp_c: { board_max: boardMax, chip_max: chipMax, chip_avg: null },
    coolant_in_c: water.length === 0 ? null : Math.min(...water.map(([inlet]) => inlet)),
    coolant_out_c: water.length === 0 ? null : Math.max(...water.map(([, outlet]) => outlet)),
    fans: truth.fansRpm.map((rpm, index) => ({ index, rpm, pct: 44 })),
    boards: shown,
    mode,
    status_raw: stateOf(truth),
    pools: truth.pools.map((pool, index) => ({
      index,
      url: pool.url,
      user: pool.user,
      active: pool.isAlive && index === 0,
      alive: pool.isAlive,
      accepted: pool.accepted,
      rejected: pool.rejected,
      stale: pool.stale,
      difficulty: pool.difficulty,
      last_share_at: timeTextS(
        pool.accepted === 0 || pool.shareAgeS === null ? null : POLLED_AT_S - pool.shareAgeS,
      ),
    })),
    errors: truth.mode === null ? null : [],
  }
}

function warnings(truth: VnishTruth): string[] {
  const hasFailed = truth.hasFailedSensor && truth.boards.some((board) => !isLost(board))
  return [...(hasFailed ? ['sensor_error_ignored'] : []), ...(truth.hasFee ? ['devfee_pool_dropped'] : [])]
}
