import * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { maxOf, sumOf, telemetryOf } from './expected.ts'
import type { GeneratedPoll } from './generators.ts'
import type { BoardTruth } from '../../../infra/local/fleet-sample/machines/answers/truth.ts'
import type { AskedAnswer } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { ordered, orAbsent, written } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { listed } from '../../../infra/local/fleet-sample/machines/answers/styled.ts'
import {
  boardsSaying,
  cgminerPoolsAnswer,
  cgminerPoolsTelemetry,
  styledTruth,
  timeTextS,
  vendorDocument,
} from './vendor-document.ts'
import type { StyledTruth } from '../../../infra/local/fleet-sample/machines/answers/styled.ts'

/** Hundredths of a GH/s. */
const STEP_HS = 10_000_000
const WINDOWS = ['1m', '5m', '15m', '30m'] as const
const CORNERS = ['TopLeft', 'TopRight', 'BottomLeft', 'BottomRight'] as const

interface LuxosTruth extends StyledTruth {
  readonly windowsHs: Readonly<Record<(typeof WINDOWS)[number], number | null>>
  readonly stickerThs: number | null
  readonly isMeasured: boolean
  readonly isTuning: boolean
  /** The corners on the side where the air comes in. */
  readonly intake: readonly string[]
  readonly intakeC: number
  readonly errorSlot: number | null
  readonly unusedFans: number
}

const rate = fc.option(fc.nat(20_000_000).map((steps) => steps * STEP_HS))

/** Answers of LuxOS: rates in GH/s or MH/s, boards as they arrived, corners whose side a label names, curtailment. */
export const luxos: fc.Arbitrary<GeneratedPoll> = fc
  .record({
    truth: styledTruth({ rateStepHs: STEP_HS, boardsMax: 4, fansMax: 4 }),
    windowsHs: fc.record({ '1m': rate, '5m': rate, '15m': rate, '30m': rate }),
    stickerThs: fc.option(fc.integer({ min: 1, max: 4_000 }).map((tenths) => tenths / 10)),
    isMeasured: fc.boolean(),
    isTuning: fc.boolean(),
    intake: fc.constantFrom(['TopRight', 'BottomRight'], ['TopLeft', 'TopRight']),
    intakeC: fc.constant(1),
    errorSlot: fc.option(fc.nat(3)),
    unusedFans: fc.nat(2),
  })
  .map(({ truth, ...rest }) => {
    const all = { ...truth, ...rest }
    const rates = [all.nowHs, all.meanHs, ...Object.values(all.windowsHs)]
    const isPadded = all.style.numbers === 'padded' && rates.some((known) => known !== null)
    return {
      document: vendorDocument('luxos', all, answersOf(all)),
      expected: { telemetry: telemetry(all), warnings: isPadded ? ['text_number_trimmed'] : [] },
    }
  })

const present = ({ boards }: LuxosTruth): BoardTruth[] => boards.filter(({ chips }) => chips > 0)

function answersOf(truth: LuxosTruth): AskedAnswer[] {
  const head = [{ STATUS: 'S', When: truth.deviceTimeS ?? undefined }]
  const boards = truth.boards.map((board, slot) => ({ board, slot })).filter(({ board }) => board.chips > 0)
  const devs = listed(
    boards.map(({ board, slot }) => devOf(truth, board, slot)),
    truth,
  )
  const temperatures = listed(
    boards.map(({ board, slot }) => cornersOf(truth, board, slot)),
    truth,
  )
  const labels = CORNERS.map((corner) => [
    corner,
    { Label: `Board ${truth.intake.includes(corner) ? 'Intake' : 'Exhaust'} (${corner})` },
  ])
  const fans = [...truth.fansRpm, ...Array.from({ length: truth.unusedFans }, () => 0)].map((rpm, index) => ({
    FAN: `F${9 - index}`,
    ID: index,
    RPM: rpm,
    Speed: 33,
  }))
  const events =
    truth.errorSlot === null
      ? []
      : [
          {
            ID: truth.errorSlot,
            Code: 'A_CODE',
            Target: 'BOARD',
            CreatedAt: '2026-05-03T22:00:00-05:00',
            Description: 'of our own',
          },
        ]
  return [
    ['summary', { STATUS: head, SUMMARY: [summaryOf(truth)] }],
    [
      'stats',
      { STATUS: head, STATS: [{ Type: truth.model.model, Miner: truth.fwVer ?? undefined }, statsOf(truth)] },
    ],
    ['devs', { STATUS: head, DEVS: devs }],
    ['power', { STATUS: head, POWER: [{ PSU: truth.isMeasured, Watts: truth.powerW ?? undefined }] }],
    ['temps', { STATUS: head, TEMPS: temperatures, METADATA: [Object.fromEntries(labels)] }],
    ['fans', { STATUS: head, FANS: listed(fans, truth) }],
    ['config', { STATUS: head, CONFIG: [configOf(truth)] }],
    ['events', { STATUS: head, EVENTS: events }],
    ['pools', cgminerPoolsAnswer(truth, { first: 0, lastShare: 'duration', clockS: truth.deviceTimeS })],
  ]
}

/** The summary is in GH/s, on some releases in MH/s. */
function summaryOf(truth: LuxosTruth): JsonObject {
  const isGiga = truth.choice % 2 === 0
  const text = (rateHs: number | null): unknown =>
    orAbsent(rateHs, (known) => written(isGiga ? known / STEP_HS : known / 10_000, 2, truth.style.numbers))
  const name = isGiga ? 'GHS' : 'MHS'
  const windows = WINDOWS.map((window) => [`${name} ${window}`, text(truth.windowsHs[window])])
  return ordered(
    {
      Elapsed: truth.uptimeS ?? undefined,
      [`${name} 5s`]: text(truth.nowHs),
      [`${name} av`]: text(truth.meanHs),
      [`${name} 24h`]: 1.5,
      ...Object.fromEntries(windows),
      'Total MH': 5,
    },
    truth.style.order,
  )
}

function statsOf(truth: LuxosTruth): JsonObject {
  const chips = truth.boards.map((board, slot) => [`chain_acn${slot + 1}`, board.chips])
  const frequencies = truth.boards.map(({ freqMhz, chips: count }, slot) => [
    `freq${slot + 1}`,
    count === 0 ? 0 : (freqMhz ?? 0),
  ])
  return ordered(
    {
      Elapsed: truth.uptimeS ?? 0,
      ...Object.fromEntries([...chips, ...frequencies]),
      chain_acn9: 0,
      'total rate': 7.5,
      total_acn: 9,
      total_rateideal: orAbsent(truth.nominalHs, (rateHs) => rateHs / 1e9),
      rate_unit: 'GH',
    },
    truth.style.order,
  )
}

function devOf(truth: LuxosTruth, board: BoardTruth, slot: number): JsonObject {
  return ordered(
    {
      ASC: slot,
      ID: slot,
      Enabled: 'Y',
      Status: 'Alive',
      IsUserShutdown: false,
      'MHS 5s': orAbsent(board.rateHs, (rateHs) => rateHs / 1e6),
      'MHS av': 3.5,
      'Nominal MHS': orAbsent(board.nominalHs, (rateHs) => rateHs / 1e6) ?? 0,
      Temperature: board.boardC ?? 0,
      'Hardware Errors': board.hwErrors ?? undefined,
      SerialNumber: board.serial ?? '',
    },
    truth.style.order,
  )
}

/** The air comes in at 1 °C, or does not say; it goes out as hot as the board is. */
function cornersOf(truth: LuxosTruth, board: BoardTruth, slot: number): JsonObject {
  const corner = (name: string): number => {
    if (truth.intake.includes(name)) return board.boardC === null ? 0 : truth.intakeC
    return name === 'BottomLeft' ? (board.boardC ?? 0) : 0
  }
  return { ID: slot, TEMP: slot, ...Object.fromEntries(CORNERS.map((name) => [name, corner(name)])) }
}

function configOf(truth: LuxosTruth): JsonObject {
  return ordered(
    {
      Model: truth.model.model,
      Hostname: truth.hostname ?? undefined,
      IPAddr: truth.ip ?? undefined,
      MACAddr: orAbsent(truth.mac, (mac) => mac.toLowerCase()),
      SerialNumber: truth.serial ?? 'N/A',
      CurtailMode: orAbsent(truth.mode, (mode) => (mode === 'sleep' ? 'Sleep' : 'None')),
      IsTuning: truth.isTuning,
      NameplateTHS: truth.stickerThs ?? 0,
      SystemStatus: 'Normal',
    },
    truth.style.order,
  )
}

function telemetry(truth: LuxosTruth): JsonObject {
  const alive = present(truth)
  const boards = boardsSaying(truth, [
    'serial',
    'hashrate_hs',
    'nominal_hs',
    'temp_board_c',
    'chips',
    'freq_mhz',
    'hw_errors',
  ])
  const { mode, stickerThs } = truth
  const boardMax = maxOf(alive.map(({ boardC }) => boardC))
  // Without a rate of the whole, that of the boards that are there.
  const ofBoards = sumOf(alive.map(({ nominalHs }) => nominalHs))
  return {
    ...telemetryOf(truth),
    source_api: 'luxos',
    firmware: 'LuxOS',
    device_time: timeTextS(truth.deviceTimeS),
    hashrate_hs: { now: truth.nowHs, ...truth.windowsHs, '1h': null, avg: truth.meanHs },
    hashrate_nominal_hs: truth.nominalHs ?? ofBoards,
    hashrate_sticker_hs: stickerThs === null ? null : Math.round(stickerThs * 1e12),
    hw_errors: sumOf(alive.map(({ hwErrors }) => hwErrors)),
    power_source: truth.powerW === null ? null : truth.isMeasured ? 'miner_psu' : 'miner_estimate',
    uptime_s: truth.uptimeS ?? 0,
    temp_c: {
      inlet: boardMax === null ? null : truth.intakeC,
      outlet: boardMax,
      board_max: boardMax,
      chip_max: null,
    },
    fans: truth.fansRpm.map((rpm, index) => ({ index, rpm, pct: 33 })),
    boards: boards.filter(({ present: isPresent }) => isPresent === true),
    mode: mode === 'sleep' ? 'sleep' : truth.isTuning ? 'tuning' : 'normal',
    status_raw: 'Normal',
    pools: cgminerPoolsTelemetry(truth, truth.deviceTimeS, 'duration'),
    errors:
      truth.errorSlot === null
        ? []
        : [
            {
              vendor_code: 'A_CODE',
              component: 'hashboard',
              slot: truth.errorSlot,
              message: 'of our own',
              first_seen: '2026-05-04T03:00:00.000Z',
            },
          ],
  }
}
