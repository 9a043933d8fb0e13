import * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { maxOf, sumOf, telemetryOf } from './expected.ts'
import type { GeneratedPoll } from './generators.ts'
import type { BoardTruth } from '../../../infra/local/fleet-sample/machines/answers/truth.ts'
import { PASSWORD } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { POLLED_AT_S } from './poll-document.ts'
import type { AskedAnswer } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { ordered, orAbsent } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { listed } from '../../../infra/local/fleet-sample/machines/answers/styled.ts'
import { boardsSaying, overlaid, styledTruth, timeTextS, vendorDocument } from './vendor-document.ts'
import type { StyledTruth } from '../../../infra/local/fleet-sample/machines/answers/styled.ts'

const STEP_HS = 10_000

interface EpicTruth extends StyledTruth {
  readonly isTuning: boolean
  readonly isConnected: boolean
  /** Boards without chips are disabled, or not detected. */
  readonly isDisabled: boolean
  readonly isStatic: boolean
  readonly shares: readonly [number, number]
  readonly stickerThs: number | null
}

/** Answers of PowerPlay: a list of boards and one of what enabled ones do, fans that are null, shares of the session. */
export const epic: fc.Arbitrary<GeneratedPoll> = fc
  .record({
    truth: styledTruth({ rateStepHs: STEP_HS, boardsMax: 4, fansMax: 4 }),
    isTuning: fc.boolean(),
    isConnected: fc.boolean(),
    isDisabled: fc.boolean(),
    isStatic: fc.boolean(),
    shares: fc.tuple(fc.nat(9_000), fc.nat(50)),
    stickerThs: fc.option(fc.integer({ min: 1, max: 400 })),
  })
  .map(({ truth, ...rest }) => {
    const all = { ...truth, ...rest }
    return {
      document: vendorDocument('epic', all, answersOf(all)),
      expected: { telemetry: telemetry(all), warnings: [] },
    }
  })

const STATES: Readonly<Record<string, string>> = {
  normal: 'Mining',
  low: 'AdjustingClockVoltage',
  sleep: 'Idling',
}
const stateOf = ({ mode }: EpicTruth): string => (mode === null ? 'Testing' : (STATES[mode] ?? ''))
const isOn = ({ chips }: BoardTruth): boolean => chips > 0
/** A static address comes without the MAC. */
const macOf = ({ mac, isStatic }: EpicTruth): string | null => (isStatic ? null : mac)

function answersOf(truth: EpicTruth): AskedAnswer[] {
  const { order } = truth.style
  const address = { address: truth.ip ?? '0.0.0.0', mac_address: macOf(truth) ?? undefined }
  const facts = {
    Model: truth.model.model,
    'Miner Serial Number': truth.serial,
    'Default Hashrate': truth.stickerThs ?? 0,
    'Control Board Version': { cpuSerial: 'C0FFEE' },
    'Board Serial Numbers': truth.boards.filter(isOn).map(({ serial }) => serial ?? ''),
    'Performance Estimator': { 'Chip Count': 99 },
  }
  return [
    ['/summary', ordered(summaryOf(truth), order)],
    ['/network', truth.isStatic ? { dhcp: null, static: address } : { dhcp: address }],
    ['/capabilities', ordered(facts, order)],
  ]
}

function summaryOf(truth: EpicTruth): JsonObject {
  const boards = truth.boards.map((board, index) => ({ board, index }))
  const states = boards.map(({ board, index }) => ({
    Index: index,
    Detected: isOn(board) || truth.isDisabled,
    Enabled: isOn(board),
  }))
  const measured = boards
    .filter(({ board }) => isOn(board))
    .map(({ board, index }) => boardOf(truth, board, index))
  const fans = Array.from({ length: 6 }, (_, index) => [
    `Fans Speed ${index + 1}`,
    truth.fansRpm[index] ?? null,
  ])
  const configs = truth.pools.map(({ url, user }) => ({ pool: url, login: user, password: PASSWORD }))
  const power = {
    'Input Power': truth.powerW ?? undefined,
    'Input Voltage': 0,
    'Input Current': 0,
    'Output Voltage': 12.5,
  }
  return {
    Status: {
      'Operating State': stateOf(truth),
      'Last Error': truth.choice % 3 === 0 ? { OurError: [1] } : null,
    },
    Hostname: truth.hostname ?? undefined,
    Software: truth.fwVer ?? undefined,
    Stratum: { 'Config Id': 0, IsPoolConnected: truth.isConnected },
    StratumConfigs: configs,
    Session: sessionOf(truth),
    HBStatus: listed(states, truth),
    HBs: listed(measured, truth),
    Fans: { 'Fans Speed': 70 },
    'Fans Rpm': Object.fromEntries(fans),
    'Power Supply Stats': power,
    PerpetualTune: { Running: truth.isTuning },
  }
}

function sessionOf(truth: EpicTruth): JsonObject {
  const [accepted, rejected] = truth.shares
  const pool = truth.pools[0]
  return ordered(
    {
      'Average MHs': orAbsent(truth.meanHs, (rateHs) => rateHs / 1e6),
      Accepted: accepted,
      Rejected: rejected,
      Difficulty: pool?.difficulty ?? 1,
      Uptime: truth.uptimeS ?? undefined,
      [truth.isTuning ? 'Last Accepted Share Timer' : 'Last Accepted Share Timestamp']: orAbsent(
        pool?.shareAgeS ?? null,
        (ageS) => (truth.isTuning ? ageS : POLLED_AT_S - ageS),
      ),
    },
    truth.style.order,
  )
}

function boardOf(truth: EpicTruth, board: BoardTruth, index: number): JsonObject {
  return ordered(
    {
      Index: index,
      Hashrate: [orAbsent(board.rateHs, (rateHs) => rateHs / 1e6) ?? null, 101.5, 0.3],
      'Core Clock Avg': board.freqMhz ?? 0,
      Temperature: board.boardC,
      'Input Voltage': 12.25,
      'Input Power': 0,
    },
    truth.style.order,
  )
}

function telemetry(truth: EpicTruth): JsonObject {
  const on = truth.boards.filter(isOn)
  const { mode, isDisabled, stickerThs } = truth
  const said = boardsSaying(truth, ['hashrate_hs', 'temp_board_c', 'freq_mhz'])
  const boards = said.map((board, index) => {
    const { serial } = truth.boards[index] as BoardTruth
    const isWhole = on.length === truth.boards.length
    if (board['present'] === true)
      return overlaid(board, {
        enabled: true,
        serial: isWhole ? serial : null,
        voltage_v: 12.25,
        power_w: null,
      })
    return overlaid(board, { present: isDisabled, enabled: false, chips: null, hashrate_hs: null })
  })
  const online = on.some(({ rateHs }) => rateHs === null)
    ? null
    : on.filter(({ rateHs }) => (rateHs ?? 0) > 0)
  const running = truth.isTuning ? 'tuning' : 'normal'
  const [accepted, rejected] = truth.shares
  const isSingle = truth.pools.length === 1
  return {
    ...telemetryOf(truth),
    source_api: 'epic',
    firmware: 'PowerPlay',
    mac: macOf(truth),
    hashrate_hs: { now: sumOf(on.map(({ rateHs }) => rateHs)), '1m': null, avg: truth.meanHs },
    hashrate_nominal_hs: null,
    hashrate_sticker_hs: stickerThs === null ? null : stickerThs * 1e12,
    hw_errors: null,
    power_source: truth.powerW === null ? null : 'miner',
    psus: [{ in_w: truth.powerW, in_v: null, in_a: null, out_v: 12.5 }],
    temp_c: { board_max: maxOf(on.map(({ boardC }) => boardC)), chip_max: null },
    fans: truth.fansRpm.map((rpm, index) => ({ index, rpm, pct: 70 })),
    boards,
    boards_online: online?.length ?? null,
    chips_online: null,
    mode: mode === null ? null : mode === 'sleep' ? 'sleep' : running,
    status_raw: stateOf(truth),
    pools: truth.pools.map((pool, index) => ({
      index,
      url: pool.url,
      user: pool.user,
      active: index === 0,
      alive: index === 0 ? truth.isConnected : null,
      accepted: isSingle ? accepted : null,
      difficulty: isSingle ? pool.difficulty : null,
      last_share_at: timeTextS(isSingle && pool.shareAgeS !== null ? POLLED_AT_S - pool.shareAgeS : null),
    })),
    shares: { accepted, rejected, stale: null },
    errors: truth.choice % 3 === 0 ? [{ vendor_code: 'OurError' }] : [],
  }
}
