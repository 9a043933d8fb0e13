import * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { maxOf, telemetryOf } from './expected.ts'
import type { GeneratedPoll } from './generators.ts'
import type { BoardTruth } from '../../../infra/local/fleet-sample/machines/answers/truth.ts'
import { ordered, orAbsent, written } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import {
  boardsSaying,
  cgminerPoolsAnswer,
  cgminerPoolsTelemetry,
  overlaid,
  styledTruth,
  timeTextS,
  vendorDocument,
} from './vendor-document.ts'
import type { StyledTruth } from '../../../infra/local/fleet-sample/machines/answers/styled.ts'

/** Rates are hundredths of MH/s. */
const STEP_HS = 10_000
const HOUR_S = 3_600
const VOLTS = 231.5
const MODES: Readonly<Record<string, string>> = { normal: 'Normal', low: 'Low Power' }

interface StatsTruth extends StyledTruth {
  readonly windowsHs: readonly (number | null)[]
  readonly badChips: readonly number[]
  readonly unusedFans: number
  readonly stickerHs: number | null
  readonly limitW: number
  readonly counts: readonly number[]
  readonly supplyCode: number
  readonly hasVolts: boolean
}

const WINDOWS = ['1m', '5m', '15m', '30m', '1h'] as const

/** Flat statistics with numbers before their keys: more fans than boards, bad chips among the chips, an hour that is not over. */
export const sealminer: fc.Arbitrary<GeneratedPoll> = fc
  .record({
    truth: styledTruth({ rateStepHs: STEP_HS, boardsMax: 4, fansMax: 6 }),
    more: fc.record({
      windowsHs: fc.array(fc.option(fc.nat(20_000_000).map((steps) => steps * STEP_HS)), {
        minLength: WINDOWS.length,
        maxLength: WINDOWS.length,
      }),
      badChips: fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }),
      unusedFans: fc.nat(2),
      stickerHs: fc.option(fc.integer({ min: 1, max: 20_000_000 }).map((steps) => steps * STEP_HS)),
      limitW: fc.nat(5_000),
      counts: fc.array(fc.nat(100_000), { minLength: 4, maxLength: 4 }),
      supplyCode: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 65_535 })),
      hasVolts: fc.boolean(),
    }),
  })
  .map(({ truth, more }) => generated({ ...truth, ...more }))

function generated(truth: StatsTruth): GeneratedPoll {
  const { style, counts, deviceTimeS } = truth
  const [accepted, rejected, stale, hwErrors] = counts
  const status = [{ STATUS: 'S', When: deviceTimeS ?? undefined, Code: 70 }]
  const stats = { STATUS: status, STATS: [ordered(statsOf(truth), style.order)] }
  const summary = ordered(
    {
      'MHS 5s': 5_000_000.5,
      'MHS av': 1.25,
      Accepted: accepted,
      Rejected: rejected,
      Stale: stale,
      'Hardware Errors': hwErrors,
    },
    style.order,
  )
  const present = truth.boards.filter(({ chips }) => chips > 0)
  const rates = [truth.nowHs, truth.meanHs, truth.nominalHs, truth.stickerHs, ...shownWindows(truth)]
  const all = [...rates, ...present.flatMap(({ rateHs, nominalHs }) => [rateHs, nominalHs])]
  const isTrimmed = style.numbers === 'padded' && all.some((rate) => rate !== null)
  return {
    document: vendorDocument('sealminer', truth, [
      ['stats', stats],
      ['summary', { STATUS: status, SUMMARY: [summary] }],
      ['pools', cgminerPoolsAnswer(truth, { first: 0, lastShare: 'time', clockS: deviceTimeS })],
    ]),
    expected: { telemetry: expectedOf(truth), warnings: isTrimmed ? ['text_number_trimmed'] : [] },
  }
}

/** The windows that are read: the hour only once it is over. */
function shownWindows({ windowsHs, uptimeS }: StatsTruth): (number | null)[] {
  return WINDOWS.map((window, at) =>
    window === '1h' && (uptimeS ?? 0) < HOUR_S ? null : (windowsHs[at] ?? null),
  )
}

function statsOf(truth: StatsTruth): Record<string, unknown> {
  const { mode, powerW } = truth
  const rate = (rateHs: number | null): unknown => rateText(rateHs, truth)
  return {
    ID: 'X1',
    Elapsed: truth.uptimeS ?? undefined,
    Model: 'X',
    'Mining Mode': orAbsent(mode, (set) => MODES[set] ?? 'Normal'),
    'PM State': orAbsent(mode, (set) => (set === 'sleep' ? 'Sleep' : 'Running')),
    Firmware: truth.fwVer ?? undefined,
    MAC: truth.mac ?? undefined,
    IP: truth.ip ?? '0.0.0.0',
    'Ctrl Board SN': 'of-the-control-board',
    'Board Count': truth.boards.length,
    'Fan Count': truth.fansRpm.length,
    'MHS(Sample)': rate(truth.nowHs),
    ...Object.fromEntries(WINDOWS.map((window, at) => [`MHS(${window})`, rate(truth.windowsHs[at] ?? null)])),
    'MHS(Avg)': rate(truth.meanHs),
    'MHS(Ideal)': rate(truth.nominalHs),
    'MHS(Rated)': rate(truth.stickerHs),
    ...Object.assign({}, ...truth.boards.map((board, slot) => boardOf(truth, board, slot))),
    ...Object.fromEntries(
      [...truth.fansRpm, ...Array.from({ length: truth.unusedFans }, () => 0)].map((rpm, at) => [
        `${at} Speed`,
        rpm,
      ]),
    ),
    'Power Limit': truth.limitW,
    'PSU SN': 'SUP4Y',
    'PSU Input Power': powerW ?? undefined,
    'PSU Input Voltage': truth.hasVolts ? VOLTS : 0,
    'PSU Fan Speed': 4_300,
    'PSU Temp AMB': 31,
    'PSU Error': `0x${truth.supplyCode.toString(16).padStart(8, '0')}`,
  }
}

function boardOf(truth: StatsTruth, board: BoardTruth, slot: number): Record<string, unknown> {
  const isLost = board.chips === 0
  const bad = isLost ? 0 : (truth.badChips[slot] ?? 0)
  const sensors = [0, board.boardC ?? 0, board.boardC === null ? 0 : board.boardC - 1, 0]
  const members = {
    Online: !isLost,
    SN: board.serial ?? '',
    'Chip Count': board.chips + bad,
    'Bad Chip Count': bad,
    Freq: isLost ? 0 : (board.freqMhz ?? undefined),
    'MHS(Sample)': isLost ? 0 : rateText(board.rateHs, truth),
    'MHS(Ideal)': isLost ? 0 : rateText(board.nominalHs, truth),
    ...Object.fromEntries(sensors.map((temperature, at) => [`Temp ${at}`, isLost ? 0 : temperature])),
  }
  return Object.fromEntries(Object.entries(members).map(([key, value]) => [`${slot} ${key}`, value]))
}

function rateText(rateHs: number | null, { style }: StatsTruth): unknown {
  return orAbsent(rateHs, (rate) => written(rate / STEP_HS, 2, style.numbers))
}

function expectedOf(truth: StatsTruth): JsonObject {
  const [oneMinute, fiveMinutes, fifteenMinutes, halfAnHour, hour] = shownWindows(truth)
  const present = truth.boards.filter(({ chips }) => chips > 0)
  const [accepted, rejected, stale, hwErrors] = truth.counts
  const said = ['serial', 'hashrate_hs', 'nominal_hs', 'temp_board_c', 'chips', 'freq_mhz'] as const
  const boards = boardsSaying(truth, said).map((board) =>
    overlaid(board, { enabled: board['present'] === true ? true : null }),
  )
  const volts = truth.hasVolts ? VOLTS : 0
  return {
    ...telemetryOf(truth),
    source_api: 'sealminer',
    serial: null,
    hostname: null,
    device_time: timeTextS(truth.deviceTimeS),
    power_source: truth.powerW === null ? null : 'miner_psu',
    power_limit_w: truth.limitW === 0 ? null : truth.limitW,
    hashrate_hs: {
      now: truth.nowHs,
      '1m': oneMinute,
      '5m': fiveMinutes,
      '15m': fifteenMinutes,
      '30m': halfAnHour,
      '1h': hour,
      avg: truth.meanHs,
    },
    hashrate_sticker_hs: truth.stickerHs,
    hw_errors: hwErrors,
    temp_c: { board_max: maxOf(present.map(({ boardC }) => boardC)), chip_max: null, psu: 31 },
    fan_psu_rpm: 4_300,
    boards,
    psus: [
      {
        serial: 'SUP4Y',
        in_w: truth.powerW,
        // 0 V beside watts is no reading.
        in_v: volts === 0 && (truth.powerW ?? 0) > 0 ? null : volts,
        out_w: null,
        in_a: null,
        fan_rpm: 4_300,
      },
    ],
    pools: cgminerPoolsTelemetry(truth, truth.deviceTimeS, 'time'),
    shares: { accepted, rejected, stale },
    errors:
      truth.supplyCode === 0
        ? []
        : [{ vendor_code: `psu:0x${truth.supplyCode.toString(16).padStart(8, '0')}`, component: 'psu' }],
  }
}
