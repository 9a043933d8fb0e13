import * as fc from 'fast-check'
import type { JsonObject } from '../../../../pipelines/json/json-object.ts'
import { maxOf, sumOf, telemetryOf } from '../expected.ts'
import type { GeneratedPoll } from '../generators.ts'
import type { BoardTruth } from '../../../../infra/local/fleet-sample/machines/answers/truth.ts'
import type { AskedAnswer } from '../../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { ordered, orAbsent, written } from '../../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { listed } from '../../../../infra/local/fleet-sample/machines/answers/styled.ts'
import {
  BOARD_MEMBERS,
  boardsSaying,
  cgminerPoolsAnswer,
  cgminerPoolsTelemetry,
  styledTruth,
  timeTextS,
  vendorDocument,
} from '../vendor-document.ts'
import type { StyledTruth } from '../../../../infra/local/fleet-sample/machines/answers/styled.ts'
import { localTimeText } from '../../../../infra/local/fleet-sample/machines/answers/whatsminer.ts'
import type { ErrorTruth, Zone } from '../../../../infra/local/fleet-sample/machines/answers/whatsminer.ts'
import { anyErrors, anyZone, errorTelemetry } from './errors.ts'

/** Hundredths of a MH/s. */
const STEP_HS = 10_000

interface V2Truth extends StyledTruth {
  readonly windowsHs: Readonly<Record<'1m' | '5m' | '15m', number | null>>
  readonly ambientC: number | null
  readonly supplyW: number | null
  readonly isTuned: boolean
  readonly zone: Zone
  readonly errors: readonly ErrorTruth[]
}

const rate = fc.option(fc.nat(20_000_000).map((steps) => steps * 1_001 * STEP_HS))

/** Answers of WhatsMiners on TCP 4028: texts or numbers, boards under two names, errors with local times, machines that are off. */
export const whatsminerV2: fc.Arbitrary<GeneratedPoll> = fc
  .record({
    truth: styledTruth({ rateStepHs: 1_001 * STEP_HS, boardsMax: 4, fansMax: 2 }),
    windowsHs: fc.record({ '1m': rate, '5m': rate, '15m': rate }),
    ambientC: fc.option(fc.integer({ min: 0, max: 55 })),
    supplyW: fc.option(fc.integer({ min: 1, max: 9_000 })),
    isTuned: fc.boolean(),
    zone: anyZone,
    errors: anyErrors,
  })
  .map(({ truth, ...rest }): GeneratedPoll => {
    const all = { ...truth, ...rest }
    return {
      document: vendorDocument('whatsminer', all, answersOf(all), all.zone.name),
      expected: { telemetry: telemetry(all), warnings: warnings(all) },
    }
  })

/** A lost board is listed without chips, or is not listed. */
const listsLost = ({ choice }: StyledTruth): boolean => choice % 3 === 0

function answersOf(truth: V2Truth): AskedAnswer[] {
  const { style, choice, deviceTimeS, mode } = truth
  const boards = truth.boards.map((board, slot) => ({ board, slot }))
  const shown = boards.filter(({ board }) => board.chips > 0 || listsLost(truth))
  const head = { STATUS: 'S', When: deviceTimeS ?? undefined }
  const devs = listed(shown, truth).map(({ board, slot }) => devOf(truth, board, slot))
  const isOff = orAbsent(mode, (known) => String(known === 'sleep'))
  const offKey = choice % 2 === 0 ? 'mineroff' : 'btmineroff'
  const info = {
    minersn: truth.serial ?? '',
    mac: truth.mac ?? undefined,
    ip: truth.ip ?? '',
    hostname: truth.hostname ?? undefined,
  }
  const codes = truth.errors.map(({ code, atS }) => ({ [code]: localTimeText(atS, truth.zone) }))
  const supply = { pin: orAbsent(truth.supplyW, String), vin: '22150', iin: '9250', serial_no: 'SU77' }
  return [
    ['summary', { STATUS: [head], SUMMARY: [summaryOf(truth)], id: 1 }],
    [choice % 2 === 0 ? 'edevs' : 'devs', { STATUS: [head], DEVS: devs, id: 1 }],
    [
      'status',
      {
        ...head,
        Msg: ordered({ [offKey]: isOff, power_mode: isOff === undefined ? undefined : mode }, style.order),
      },
    ],
    ['get_miner_info', { ...head, Msg: ordered(info, style.order) }],
    [
      'get_version',
      { ...head, Msg: { fw_ver: orAbsent(truth.fwVer, (version) => `'${version}'`), api_ver: '2.0.9' } },
    ],
    ['get_error_code', { ...head, Msg: { error_code: codes } }],
    ['get_psu', truth.supplyW === null ? undefined : { ...head, Msg: supply }],
    ['pools', cgminerPoolsAnswer(truth, { first: 1, lastShare: 'time', clockS: deviceTimeS })],
  ]
}

function rateText(rateHs: number, { style }: StyledTruth): string | number {
  return written(rateHs / STEP_HS, 2, style.numbers)
}

/** The rate of the factory is in GH/s, the others are in MH/s. */
function factoryText(rateHs: number, { style }: StyledTruth): string | number {
  return written(rateHs / STEP_HS, 5, style.numbers)
}

function summaryOf(truth: V2Truth): JsonObject {
  const { style, windowsHs, fansRpm, model } = truth
  const mhs = (rateHs: number | null): unknown => orAbsent(rateHs, (known) => rateText(known, truth))
  const present = truth.boards.filter(({ chips }) => chips > 0)
  const fan = (index: number): number | undefined => fansRpm[index] ?? (model.fans === 0 ? 0 : undefined)
  return ordered(
    {
      Elapsed: truth.uptimeS ?? undefined,
      'MHS 5s': mhs(truth.nowHs),
      'MHS 1m': mhs(windowsHs['1m']),
      'MHS 5m': mhs(windowsHs['5m']),
      'MHS 15m': mhs(windowsHs['15m']),
      'MHS av': mhs(truth.meanHs),
      'Factory GHS': orAbsent(truth.nominalHs, (known) => factoryText(known, truth)),
      [truth.choice % 5 === 0 ? 'Power' : 'Power_RT']: orAbsent(truth.powerW, String),
      'Power Limit': 0,
      'Env Temp': orAbsent(truth.ambientC, (known) => `${known}.00`),
      Temperature: maxOf(present.map(({ boardC }) => boardC)) ?? 0,
      'Upfreq Complete': truth.isTuned ? 1 : 0,
      'Fan Speed In': fan(0),
      'Fan Speed Out': fan(1),
      'Total MH': 12_345,
    },
    style.order,
  )
}

function devOf(truth: V2Truth, board: BoardTruth, slot: number): JsonObject {
  const isLost = board.chips === 0
  return ordered(
    {
      ASC: slot,
      Slot: slot,
      Status: isLost ? 'Dead' : 'Alive',
      [slot % 2 === 0 ? 'HS RT' : 'MHS 5m']: isLost
        ? 0
        : orAbsent(board.rateHs, (known) => rateText(known, truth)),
      'MHS av': 1_234.5,
      'Factory GHS': orAbsent(board.nominalHs, (known) => factoryText(known, truth)),
      'Effective Chips': board.chips,
      'PCB SN': isLost ? '' : (board.serial ?? ''),
      Temperature: board.boardC ?? 0,
      'Chip Temp Max': board.chipC ?? 0,
      [slot % 2 === 0 ? 'Chip Frequency' : 'Frequency']: board.freqMhz ?? undefined,
      'Hardware Errors': board.hwErrors ?? undefined,
    },
    truth.style.order,
  )
}

function telemetry(truth: V2Truth): JsonObject {
  const { mode, windowsHs, supplyW, powerW, isTuned } = truth
  const present = truth.boards.filter(({ chips }) => chips > 0)
  const boards = boardsSaying(truth, BOARD_MEMBERS)
  const running = mode !== 'sleep' && !isTuned ? 'tuning' : mode
  const watts = supplyW ?? powerW
  return {
    ...telemetryOf(truth),
    source_api: 'whatsminer-v2',
    api_ver: '2.0.9',
    device_time: timeTextS(truth.deviceTimeS),
    hashrate_hs: { now: truth.nowHs, ...windowsHs, '30m': null, avg: truth.meanHs },
    power_w: watts,
    power_source: watts === null ? null : supplyW === null ? 'miner' : 'miner_psu',
    power_limit_w: null,
    psus: supplyW === null ? null : [{ serial: 'SU77', in_w: supplyW, in_v: 221.5, in_a: 9.25, out_w: null }],
    hw_errors: sumOf(present.map(({ hwErrors }) => hwErrors)),
    temp_c: {
      ambient: truth.ambientC,
      board_max: maxOf(present.map(({ boardC }) => boardC)),
      chip_max: maxOf(present.map(({ chipC }) => chipC)),
      chip_avg: null,
    },
    fans: truth.fansRpm.length === 0 ? [] : truth.fansRpm.map((rpm, index) => ({ index, rpm, pct: null })),
    boards: listsLost(truth) ? boards : boards.filter(({ present: isPresent }) => isPresent === true),
    mode: running,
    pools: cgminerPoolsTelemetry(truth, truth.deviceTimeS, 'time'),
    errors: truth.errors.map((error) => errorTelemetry(error, truth.zone, null)),
  }
}

function warnings({ style, ...truth }: V2Truth): string[] {
  const present = truth.boards.filter(({ chips }) => chips > 0)
  const ofBoards = present.flatMap(({ rateHs, nominalHs }) => [rateHs, nominalHs])
  const rates = [truth.nowHs, truth.meanHs, truth.nominalHs, ...Object.values(truth.windowsHs), ...ofBoards]
  const isPadded = style.numbers === 'padded' && rates.some((rateHs) => rateHs !== null)
  return isPadded ? ['text_number_trimmed'] : []
}
