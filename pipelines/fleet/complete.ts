import {
  NO_BOARD,
  NO_ERROR,
  NO_FAN,
  NO_GPU,
  NO_POOL,
  NO_PSU,
  NO_RATES,
  NO_SHARES,
  NO_TELEMETRY,
  NO_TEMPERATURES,
} from './empty.ts'
import type { MachineContext, ModelRecord } from './poll.ts'
import type { Reading } from './reading.ts'
import { largest, sumOfAll } from './sums.ts'
import type { Board, Gpu, Pool, Shares, Telemetry } from './telemetry.ts'

/**
 * Makes telemetry of what an adapter read, by the rules that hold for every vendor:
 *
 * - The model record decides make, model and algorithm; a machine without one has no rates, since their unit and their
 *   algorithm would be guesses.
 * - Boards stand in the order of slots, fans and pools in that of their indices; a pool slot that is not used is left out.
 * - A board is online when it is there, enabled, and has a rate or chips. Where one board's state is unknown, so is the
 *   number.
 * - What the machine does not say as a whole follows from its parts, where all of them say it: hardware errors and shares as
 *   sums, temperatures as the hottest.
 * - The source of power is named only where there are watts.
 */
export function complete(reading: Reading, context: MachineContext): Telemetry {
  const { model } = context
  const boards = boardsOf(reading, model)
  const online = boards === null ? null : onlineBoards(boards)
  const pools = poolsOf(reading)
  const { power_w: powerW = null, power_lower_bound_w: powerLowerBoundW = null } = reading
  const telemetry: Telemetry = {
    ...NO_TELEMETRY,
    ...reading,
    make: model?.make ?? reading.make ?? null,
    model: model?.model ?? reading.model ?? null,
    algorithm: model === null ? null : (model.algorithm ?? reading.algorithm ?? null),
    hashrate_hs: { ...NO_RATES, ...reading.hashrate_hs },
    secondary: secondaryOf(reading),
    hw_errors: reading.hw_errors ?? errorsOfBoards(boards),
    power_source: powerW === null && powerLowerBoundW === null ? null : (reading.power_source ?? null),
    temp_c: temperaturesOf(reading, boards),
    fans: byNumber(reading.fans, ({ index }) => index)?.map(withEmpty(NO_FAN)) ?? null,
    fans_expected: model?.fans ?? null,
    boards,
    boards_online: online?.length ?? null,
    boards_expected: model?.boards ?? null,
    chips_online: online === null ? null : sumOfAll(online.map(({ chips }) => chips)),
    chips_expected:
      model?.boards == null || model.chipsPerBoard === null ? null : model.boards * model.chipsPerBoard,
    psus: reading.psus?.map(withEmpty(NO_PSU)) ?? null,
    gpu: reading.gpu?.map(withEmpty(NO_GPU)) ?? null,
    gpus_expected: context.gpusExpected ?? reading.gpus_expected ?? null,
    pools,
    shares: sharesOf(reading, pools),
    errors: reading.errors?.map(withEmpty(NO_ERROR)) ?? null,
  }
  return telemetry.algorithm === null ? withoutRates(telemetry) : telemetry
}

/** Lays a part over what it says when nothing is reported. */
function withEmpty<Empty extends object>(empty: Empty): <Part extends object>(part: Part) => Empty & Part {
  return (part) => ({ ...empty, ...part })
}

function byNumber<Part>(
  parts: readonly Part[] | null | undefined,
  numberOf: (part: Part) => number,
): Part[] | null {
  return parts?.toSorted((left, right) => numberOf(left) - numberOf(right)) ?? null
}

function boardsOf(reading: Reading, model: ModelRecord | null): Board[] | null {
  const expected = { chips_expected: model?.chipsPerBoard ?? null }
  const inOrder = byNumber(reading.boards, ({ slot }) => slot)
  return inOrder?.map(withEmpty({ ...NO_BOARD, ...expected })) ?? null
}

/** Null where a board says neither its rate nor its chips: it may be online, or not. */
function onlineBoards(boards: readonly Board[]): Board[] | null {
  const counted = boards.filter(({ present, enabled }) => present !== false && enabled !== false)
  if (counted.some(({ hashrate_hs: rate, chips }) => rate === null && chips === null)) return null
  return counted.filter(({ hashrate_hs: rate, chips }) => (rate ?? 0) > 0 || (chips ?? 0) > 0)
}

/** A lost board has made no errors that could be read. */
function errorsOfBoards(boards: readonly Board[] | null): number | null {
  const present = (boards ?? []).filter((board) => board.present !== false)
  return sumOfAll(present.map(({ hw_errors: errors }) => errors))
}

function temperaturesOf(reading: Reading, boards: readonly Board[] | null): Telemetry['temp_c'] {
  const given = { ...NO_TEMPERATURES, ...reading.temp_c }
  const chips = (boards ?? []).map(({ temp_chip_c: chip }) => chip)
  const gpus = (reading.gpu ?? []).map(({ temp_c: gpu }) => gpu ?? null)
  return {
    ...given,
    board_max: given.board_max ?? largest((boards ?? []).map(({ temp_board_c: board }) => board)),
    chip_max: given.chip_max ?? largest([...chips, ...gpus]),
  }
}

function poolsOf({ pools }: Reading): Pool[] | null {
  const inOrder = byNumber(pools, ({ index }) => index)?.map(withEmpty(NO_POOL))
  return inOrder?.filter((pool) => !isUnusedSlot(pool)) ?? null
}

/** Machines list the pools that could be set, too. */
function isUnusedSlot({ url, user, accepted, rejected, stale }: Pool): boolean {
  return url === null && user === null && !((accepted ?? 0) + (rejected ?? 0) + (stale ?? 0) > 0)
}

function sharesOf(reading: Reading, pools: readonly Pool[] | null): Shares {
  const given = { ...NO_SHARES, ...reading.shares }
  const total = (name: 'accepted' | 'rejected' | 'stale'): number | null =>
    given[name] ?? sumOfAll((pools ?? []).map((pool) => pool[name]))
  return { ...given, accepted: total('accepted'), rejected: total('rejected'), stale: total('stale') }
}

function secondaryOf({ secondary }: Reading): Telemetry['secondary'] {
  const completed = secondary?.map(({ algorithm = null, hashrate_hs: rates, shares }) => ({
    algorithm,
    hashrate_hs: { ...NO_RATES, ...rates },
    shares: { ...NO_SHARES, ...shares },
  }))
  return completed ?? null
}

/** Without a known algorithm a rate has no meaning: the same number of H/s is much for one and nothing for another. */
function withoutRates(telemetry: Telemetry): Telemetry {
  const { boards, gpu } = telemetry
  return {
    ...telemetry,
    hashrate_hs: NO_RATES,
    hashrate_nominal_hs: null,
    hashrate_sticker_hs: null,
    hashrate_error_hs: null,
    secondary: null,
    boards: boards?.map(boardWithoutRates) ?? null,
    gpu: gpu?.map(gpuWithoutRate) ?? null,
  }
}

function boardWithoutRates(board: Board): Board {
  return { ...board, hashrate_hs: null, nominal_hs: null }
}

function gpuWithoutRate(gpu: Gpu): Gpu {
  return { ...gpu, hashrate_hs: null }
}
