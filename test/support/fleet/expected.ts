import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import type {
  BoardTruth,
  MachineTruth,
  PoolTruth,
} from '../../../infra/local/fleet-sample/machines/answers/truth.ts'

/** The truth of a machine as telemetry. A generator lays over it what its vendor says otherwise or not at all. */
export function telemetryOf(truth: MachineTruth): JsonObject {
  const { model, boards, pools } = truth
  return {
    make: model.make,
    model: model.model,
    algorithm: model.algorithm,
    serial: truth.serial,
    mac: truth.mac,
    ip: truth.ip,
    hostname: truth.hostname,
    fw_ver: truth.fwVer,
    hashrate_nominal_hs: truth.nominalHs,
    power_w: truth.powerW,
    uptime_s: truth.uptimeS,
    mode: truth.mode,
    is_mining: truth.mode === null ? null : truth.mode !== 'sleep',
    fans: truth.fansRpm.map((rpm, index) => ({ index, rpm })),
    fans_expected: model.fans,
    boards: boards.map(boardOf),
    boards_online: boards.filter(({ chips }) => chips > 0).length,
    boards_expected: model.boards,
    chips_online: sumOf(boards.filter(({ chips }) => chips > 0).map(({ chips }) => chips)),
    chips_expected: model.boards * model.chipsPerBoard,
    pools: pools.map(poolOf),
    shares: {
      accepted: sumOf(pools.map(({ accepted }) => accepted)),
      rejected: sumOf(pools.map(({ rejected }) => rejected)),
      stale: sumOf(pools.map(({ stale }) => stale)),
    },
  }
}

/** Null for no parts, and where one is not known. */
export function sumOf(values: readonly (number | null)[]): number | null {
  let sum = values.length === 0 ? null : 0
  for (const value of values) sum = sum === null || value === null ? null : sum + value
  return sum
}

/** Null where none is known. */
export function maxOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}

function boardOf(board: BoardTruth, slot: number): JsonObject {
  if (board.chips === 0) return { slot, present: false, chips: 0, temp_board_c: null, temp_chip_c: null }
  return {
    slot,
    present: true,
    serial: board.serial,
    hashrate_hs: board.rateHs,
    nominal_hs: board.nominalHs,
    temp_board_c: board.boardC,
    temp_chip_c: board.chipC,
    chips: board.chips,
    freq_mhz: board.freqMhz,
    hw_errors: board.hwErrors,
  }
}

function poolOf(pool: PoolTruth, index: number): JsonObject {
  return {
    index,
    url: pool.url,
    user: pool.user,
    alive: pool.isAlive,
    accepted: pool.accepted,
    rejected: pool.rejected,
    stale: pool.stale,
    difficulty: pool.difficulty,
  }
}
