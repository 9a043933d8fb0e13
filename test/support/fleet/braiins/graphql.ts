import type * as fc from 'fast-check'
import type { JsonObject } from '../../../../pipelines/json/json-object.ts'
import type { GeneratedPoll } from '../generators.ts'
import type { BoardTruth } from '../../../../infra/local/fleet-sample/machines/answers/truth.ts'
import { PASSWORD } from '../../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { ordered, orAbsent } from '../../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { listed } from '../../../../infra/local/fleet-sample/machines/answers/styled.ts'
import { boardsSaying, overlaid, vendorDocument } from '../vendor-document.ts'
import { DILUTED, braiinsTelemetry, braiinsTruth, firstBoard, outletC, stateOf } from './truth.ts'
import type { BraiinsTruth } from './truth.ts'

const WINDOW_KEYS = [
  ['mhs1M', '1m'],
  ['mhs5M', '5m'],
  ['mhs15M', '15m'],
  ['mhs30M', '30m'],
  ['mhs1H', '1h'],
] as const

/** One GraphQL answer: MH/s, two sets of names for temperatures, a name of the board that is its number. */
export const braiinsGraphql: fc.Arbitrary<GeneratedPoll> = braiinsTruth.map((truth) => ({
  document: vendorDocument('braiins', truth, [['graphql', { data: dataOf(truth) }]]),
  expected: { telemetry: telemetry(truth), warnings: [] },
}))

const mhs = (rateHs: number | null): number | undefined => orAbsent(rateHs, (known) => known / 1e6)

function dataOf(truth: BraiinsTruth): JsonObject {
  const { order } = truth.style
  const version = { full: truth.fwVer ?? undefined, isPlus: truth.isPlus }
  const system = {
    hostname: truth.hostname ?? undefined,
    macAddress: truth.mac ?? undefined,
    serialNumber: truth.serial ?? undefined,
    info: { version },
    uptime: orAbsent(truth.systemUptimeS, (durationS) => ({ durationS })),
  }
  const info = {
    modelName: truth.model.model,
    summary: summaryOf(truth),
    workSolver: solverOf(truth),
    fans: listed(fansOf(truth), truth),
    poolGroups: groupsOf(truth),
  }
  return {
    bos: ordered(system, order),
    bosminer: { info: ordered(info, order), uptime: orAbsent(truth.uptimeS, (durationS) => ({ durationS })) },
    minerStatus: stateOf(truth),
  }
}

/** Connectors beyond the fans show 0. */
function fansOf({ fansRpm, choice }: BraiinsTruth): JsonObject[] {
  const unused = Array.from({ length: choice % 3 }, () => 0)
  return [...fansRpm, ...unused].map((rpm, index) => ({ name: String(index), rpm, speed: 65 }))
}

function summaryOf(truth: BraiinsTruth): JsonObject {
  return ordered(
    {
      power: { approxConsumptionW: truth.powerW ?? undefined, limitW: 2_900 },
      tunerStatus: truth.isTuning ? 'RUNNING' : 'STABLE',
      foundBlocks: 0,
    },
    truth.style.order,
  )
}

function solverOf(truth: BraiinsTruth): JsonObject {
  const windows = WINDOW_KEYS.map(([key, window]) => [key, mhs(truth.windowsHs[window])])
  const rates = {
    mhs5S: mhs(truth.nowHs),
    mhs24H: DILUTED,
    mhsSinceRestart: mhs(truth.meanHs),
    ...Object.fromEntries(windows),
  }
  return {
    nominalMhs: mhs(truth.nominalHs) ?? 0,
    realHashrate: ordered(rates, truth.style.order),
    childSolvers: listed(
      truth.boards.map((board, at) => childOf(truth, board, at)),
      truth,
    ),
  }
}

function childOf(truth: BraiinsTruth, board: BoardTruth, at: number): JsonObject {
  const isLost = board.chips === 0
  const isOld = truth.choice % 2 === 0
  const kinds = [
    [isOld ? 'Board' : 'MAX_BOARD', isLost ? null : board.boardC],
    [isOld ? 'Chip' : 'MAX_CHIP', isLost ? null : board.chipC],
    ['INLET', truth.inletsC[at] ?? null],
    ['OUTLET', outletC(board)],
  ] as const
  const temperatures = kinds
    .filter(([, degreesC]) => degreesC !== null)
    .map(([name, degreesC]) => ({ name, degreesC }))
  return ordered(
    {
      name: String(at + firstBoard(truth)),
      hwDetails: {
        chips: board.chips,
        frequencyMhz: isLost ? 0 : (board.freqMhz ?? 0),
        hbSerialNumber: isLost ? null : board.serial,
      },
      nominalMhs: isLost ? 0 : mhs(board.nominalHs),
      realHashrate: { mhs5S: isLost ? 0 : mhs(board.rateHs) },
      temperatures: listed(temperatures, truth),
    },
    truth.style.order,
  )
}

function groupsOf(truth: BraiinsTruth): JsonObject[] {
  const pools = truth.pools.map((pool, index) => ({
    url: pool.url.replace('://', `://acct:${PASSWORD}@`),
    user: pool.user,
    status: pool.isAlive ? 'ALIVE' : 'DEAD',
    active: index === 0,
    shares: {
      acceptedSolutions: pool.accepted,
      rejectedSolutions: pool.rejected,
      staleSolutions: pool.stale,
    },
    lastDifficulty: pool.difficulty,
  }))
  return [{ name: 'all', pools }]
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
  return {
    ...braiinsTelemetry(truth),
    ip: null,
    power_limit_w: 2_900,
    boards: boards.map((board, at) => overlaid(board, { slot: at + first })),
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
    })),
  }
}
