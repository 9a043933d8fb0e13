import * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { maxOf, sumOf, telemetryOf } from './expected.ts'
import type { GeneratedPoll } from './generators.ts'
import type { BoardTruth } from '../../../infra/local/fleet-sample/machines/answers/truth.ts'
import type { AskedAnswer } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { ordered, orAbsent, written } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import type { Style } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { listed } from '../../../infra/local/fleet-sample/machines/answers/styled.ts'
import {
  cgminerPoolsAnswer,
  cgminerPoolsTelemetry,
  styledTruth,
  timeTextS,
  vendorDocument,
} from './vendor-document.ts'
import type { StyledTruth } from '../../../infra/local/fleet-sample/machines/answers/styled.ts'

/** Rates are hundredths of MH/s. */
const STEP_HS = 10_000
const MODES: Readonly<Record<string, string>> = { normal: 'normal', low: 'eco' }

interface SupplyTruth {
  readonly inW: number | null
  readonly outW: number
  /** 0: the supply does not measure it. */
  readonly inV: number
  readonly fansRpm: readonly number[]
}

interface FluxTruth extends StyledTruth {
  readonly supplies: readonly SupplyTruth[]
  readonly limitW: number
  readonly unusedFans: number
  readonly hasDevices: boolean
  readonly hasChipCount: boolean
  readonly hasControlBoard: boolean
  readonly counts: readonly number[]
}

const supply: fc.Arbitrary<SupplyTruth> = fc.record({
  inW: fc.option(fc.nat(6_000), { freq: 5 }),
  outW: fc.nat(6_000),
  inV: fc.constantFrom(0, 228, 403),
  fansRpm: fc.array(fc.nat(6_000), { minLength: 2, maxLength: 2 }),
})

/** An answer for each part: texts with units, one or two supplies, the control board among the boards, a sleep with old rates. */
export const auradine: fc.Arbitrary<GeneratedPoll> = fc
  .record({
    truth: styledTruth({ rateStepHs: STEP_HS, boardsMax: 4, fansMax: 4 }),
    more: fc.record({
      supplies: fc.array(supply, { minLength: 1, maxLength: 2 }),
      limitW: fc.nat(5_000),
      unusedFans: fc.nat(2),
      hasDevices: fc.boolean(),
      hasChipCount: fc.boolean(),
      hasControlBoard: fc.boolean(),
      counts: fc.array(fc.nat(100_000), { minLength: 4, maxLength: 4 }),
    }),
  })
  .map(({ truth, more }) => generated({ ...truth, ...more }))

function generated(truth: FluxTruth): GeneratedPoll {
  return {
    document: vendorDocument('auradine', truth, answersOf(truth)),
    expected: {
      telemetry: expectedOf(truth),
      warnings: [
        ...(isTrimmed(truth) ? ['text_number_trimmed'] : []),
        ...(powerOf(truth.supplies).power_lower_bound_w === null ? [] : ['power_partial']),
      ],
    },
  }
}

/** Blanks stand around the rates of the machine, and around every reading of a supply. */
function isTrimmed({ style }: FluxTruth): boolean {
  return style.numbers === 'padded'
}

function answersOf(truth: FluxTruth): AskedAnswer[] {
  const { style, mode } = truth
  const present = slotsPresent(truth)
  const control = { ID: 0, Name: 'Control Board', BoardTemp: sensors([88]), ChipTemp: null }
  const temperatures = present.map(([board, slot]) => ({
    ID: slot + 1,
    Name: `Hash Board ${slot + 1}`,
    BoardTemp: sensors([board.boardC, board.boardC === null ? null : board.boardC - 1]),
    ChipTemp: board.chipC === null ? null : sensors([board.chipC - 1, board.chipC]),
  }))
  const report = {
    SerialNo: truth.serial ?? 'N/A',
    HBSerialNo: truth.boards.map(({ chips, serial }) => (chips === 0 ? '' : (serial ?? ''))),
    hostname: truth.hostname ?? undefined,
    ip: truth.ip ?? '0.0.0.0',
    mac: truth.mac ?? undefined,
    version: truth.fwVer ?? undefined,
  }
  const boards = truth.hasControlBoard ? [control, ...temperatures] : temperatures
  return [
    ['summary', summaryOf(truth)],
    ['mode', orAbsent(mode, (set) => answerOf('Mode', [modeOf(set, truth)], truth))],
    [
      'psu',
      answerOf(
        'PSU',
        truth.supplies.map((one) => supplyOf(one, style)),
        truth,
      ),
    ],
    ['temperature', answerOf('Temperature', listed(boards, truth), truth)],
    ['fan', answerOf('Fan', listed(fansOf(truth), truth), truth)],
    [
      'devs',
      truth.hasDevices
        ? answerOf(
            'DEVS',
            listed(present, truth).map((one) => deviceOf(truth, one)),
            truth,
          )
        : undefined,
    ],
    ['asccount', truth.hasChipCount ? answerOf('ASCCount', [chipCount(truth)], truth) : undefined],
    ['ipreport', answerOf('IPReport', [report], truth)],
    ['pools', cgminerPoolsAnswer(truth, { first: 0, lastShare: 'time', clockS: truth.deviceTimeS })],
  ]
}

/** The answer with one list under its own name. */
function answerOf(
  name: string,
  items: readonly Record<string, unknown>[],
  { style, deviceTimeS }: FluxTruth,
): JsonObject {
  return {
    STATUS: [{ STATUS: 'S', When: deviceTimeS ?? undefined, Code: 7, Description: 'X' }],
    [name]: items.map((item) => ordered(item, style.order)),
  }
}

function modeOf(mode: string, { limitW }: FluxTruth): Record<string, unknown> {
  return { Mode: MODES[mode] ?? 'custom', Power: limitW, Sleep: mode === 'sleep' ? 'on' : 'off' }
}

function summaryOf(truth: FluxTruth): JsonObject {
  const [accepted, rejected, , hwErrors] = truth.counts
  const rate = (rateHs: number | null): unknown => rateText(rateHs, truth)
  const summary = {
    Elapsed: truth.uptimeS ?? undefined,
    'MHS 5s': rate(truth.nowHs),
    'MHS av': rate(truth.meanHs),
    Accepted: accepted,
    Rejected: rejected,
    'Hardware Errors': hwErrors,
  }
  return answerOf('SUMMARY', [summary], truth)
}

function rateText(rateHs: number | null, { style }: FluxTruth): unknown {
  return orAbsent(rateHs, (rate) => written(rate / STEP_HS, 2, style.numbers))
}

function supplyOf(
  { inW, outW, inV, fansRpm }: SupplyTruth,
  { numbers, order }: Style,
): Record<string, unknown> {
  const space = order % 2 === 0 ? '' : ' '
  const text = (value: number, unit: string): string => {
    const digits = String(written(value * 100, 2, numbers === 'padded' ? 'text' : numbers))
    return numbers === 'padded' ? ` ${digits}${space}${unit}\r` : `${digits}${space}${unit}`
  }
  return {
    FanSpeed1: text(fansRpm[0] ?? 0, 'RPM'),
    FanSpeed2: text(fansRpm[1] ?? 0, 'RPM'),
    PowerIn: orAbsent(inW, (watts) => text(watts, 'W')),
    PowerOut: text(outW, 'W'),
    Vin: text(inV, 'V'),
    Vout: text(12, 'V'),
    PoutMax: text(9_000, 'W'),
  }
}

function sensors(temperatures: readonly (number | null)[]): JsonObject[] {
  return temperatures.flatMap((temperature, at) =>
    temperature === null ? [] : [{ ID: at, Temperature: temperature }],
  )
}

function fansOf({ fansRpm, unusedFans }: FluxTruth): Record<string, unknown>[] {
  const all = [...fansRpm, ...Array.from({ length: unusedFans }, () => 0)]
  return all.map((rpm, at) => ({ ID: at + 1, Max: 9_900, Speed: rpm, Target: 5_000 }))
}

type SlottedBoard = readonly [board: BoardTruth, slot: number]

/** A board that is lost stands in no answer. */
function slotsPresent({ boards }: FluxTruth): SlottedBoard[] {
  return boards.map((board, slot): SlottedBoard => [board, slot]).filter(([{ chips }]) => chips > 0)
}

/** A machine that sleeps shows the rates of its boards from before. */
function deviceOf(truth: FluxTruth, [board, slot]: SlottedBoard): Record<string, unknown> {
  return { ID: slot + 1, Enabled: true, Status: 'Alive', 'MHS 5s': rateText(board.rateHs, truth) }
}

function chipCount(truth: FluxTruth): Record<string, unknown> {
  const present = slotsPresent(truth)
  return { AsicCount: sumOf(present.map(([{ chips }]) => chips)) ?? 0, BoardCount: present.length }
}

interface ExpectedPower {
  readonly power_w: number | null
  readonly power_lower_bound_w: number | null
}

function powerOf(supplies: readonly SupplyTruth[]): ExpectedPower {
  const known = supplies.map(({ inW }) => inW).filter((watts) => watts !== null)
  const sum = sumOf(known)
  return known.length === supplies.length
    ? { power_w: sum, power_lower_bound_w: null }
    : { power_w: null, power_lower_bound_w: sum }
}

function expectedOf(truth: FluxTruth): JsonObject {
  const { mode, supplies, model } = truth
  const present = slotsPresent(truth)
  const [accepted, rejected, , hwErrors] = truth.counts
  const hasAllChips = present.every(([{ chips }]) => chips === model.chipsPerBoard)
  const chips = truth.hasChipCount && hasAllChips ? model.chipsPerBoard : null
  const boards = present.map(([board, slot]) => ({
    slot,
    present: true,
    serial: board.serial,
    hashrate_hs: truth.hasDevices && mode !== 'sleep' ? board.rateHs : null,
    nominal_hs: null,
    temp_board_c: board.boardC,
    temp_chip_c: board.chipC,
    chips,
    freq_mhz: null,
    hw_errors: null,
  }))
  const isUnknown = boards.some((board) => board.hashrate_hs === null && chips === null)
  const online = boards.filter((board) => (board.hashrate_hs ?? 0) > 0 || chips !== null)
  const power = powerOf(supplies)
  return {
    ...telemetryOf(truth),
    ...power,
    source_api: 'auradine',
    device_time: timeTextS(truth.deviceTimeS),
    power_source: power.power_w === null && power.power_lower_bound_w === null ? null : 'miner_psu',
    power_limit_w: mode === null || truth.limitW === 0 ? null : truth.limitW,
    hashrate_hs: { now: truth.nowHs, '1m': null, '5m': null, '15m': null, avg: truth.meanHs },
    hashrate_nominal_hs: null,
    hw_errors: hwErrors,
    temp_c: {
      board_max: maxOf(present.map(([{ boardC }]) => boardC)),
      chip_max: maxOf(present.map(([{ chipC }]) => chipC)),
    },
    fan_psu_rpm: maxOf(supplies.flatMap(({ fansRpm }) => fansRpm)),
    boards: boards.length === 0 ? null : boards,
    boards_online: boards.length === 0 || isUnknown ? null : online.length,
    chips_online: boards.length === 0 || isUnknown ? null : sumOf(online.map((board) => board.chips)),
    psus: supplies.map(({ inW, outW, inV, fansRpm }) => ({
      in_w: inW,
      out_w: outW,
      in_v: inV === 0 && (inW ?? 0) > 0 ? null : inV,
      out_v: 12,
      in_a: null,
      fan_rpm: Math.max(...fansRpm),
    })),
    pools: cgminerPoolsTelemetry(truth, truth.deviceTimeS, 'time'),
    shares: { accepted, rejected },
    errors: null,
  }
}
