import * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { maxOf, telemetryOf } from './expected.ts'
import type { GeneratedPoll } from './generators.ts'
import type { BoardTruth } from '../../../infra/local/fleet-sample/machines/answers/truth.ts'
import type { AskedAnswer } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { ordered, orAbsent, written } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import {
  boardsSaying,
  cgminerPoolsAnswer,
  cgminerPoolsTelemetry,
  styledTruth,
  vendorDocument,
} from './vendor-document.ts'
import type { StyledTruth } from '../../../infra/local/fleet-sample/machines/answers/styled.ts'

/** Hundredths of a GH/s. */
const STEP_HS = 10_000_000

interface AvalonTruth extends StyledTruth {
  readonly minuteHs: number | null
  readonly airC: number | null
  readonly hwErrors: number | null
  /** Codes of the boards, of which 0 is none. */
  readonly codes: readonly number[]
}

/** Answers of Avalons: one text of parts in any order, a clock that counts from the start, chips in one answer or the other. */
export const avalon: fc.Arbitrary<GeneratedPoll> = fc
  .record({
    truth: styledTruth({ rateStepHs: STEP_HS, boardsMax: 4, fansMax: 4 }),
    minuteHs: fc.option(fc.nat(20_000_000).map((steps) => steps * STEP_HS)),
    airC: fc.option(fc.integer({ min: 0, max: 50 })),
    hwErrors: fc.option(fc.nat(9_000)),
    codes: fc.array(fc.constantFrom(0, 0, 512, 3), { maxLength: 4 }),
  })
  .map(({ truth, ...rest }) => {
    // A board's rate is always in the list; one without chips has none.
    const boards = truth.boards.map((board) => ({
      ...board,
      rateHs: board.chips === 0 ? 0 : (board.rateHs ?? 0),
    }))
    const all = { ...truth, ...rest, boards }
    return {
      document: vendorDocument('avalon', all, answersOf(all)),
      expected: { telemetry: telemetry(all), warnings: ['device_clock_unset', 'sentinel_dropped'] },
    }
  })

/** Its clock is its uptime. */
const clockS = ({ uptimeS }: AvalonTruth): number => uptimeS ?? 900

/** The chips' temperatures stand in the module's text, or in one of their own. */
const hasChipText = ({ choice }: AvalonTruth): boolean => choice % 3 === 0

function answersOf(truth: AvalonTruth): AskedAnswer[] {
  const head = [{ STATUS: 'S', When: clockS(truth) }]
  const chips = truth.boards.map((board, slot) => `'HB${slot}':{${chipPart(truth, board, slot)}}`)
  const entry = {
    STATS: 0,
    [truth.choice % 2 === 0 ? 'MM ID0' : 'MM ID0:Summary']: textOf(truth),
    HBinfo: hasChipText(truth) ? chips.join('') : undefined,
  }
  const version = {
    PROD: truth.model.model,
    API: '4.2',
    VERSION: truth.fwVer ?? undefined,
    DNA: truth.serial ?? '',
    MAC: orAbsent(truth.mac, (mac) => mac.replaceAll(':', '').toLowerCase()),
  }
  const device = {
    Temperature: -273,
    'MHS 1m': orAbsent(truth.minuteHs, (rateHs) => written(rateHs / 10_000, 2, 'number')),
    'MHS av': 33_000_000.5,
  }
  return [
    ['version', { STATUS: head, VERSION: [ordered(version, truth.style.order)] }],
    [
      truth.choice % 2 === 0 ? 'estats' : 'stats',
      { STATUS: head, STATS: [ordered(entry, truth.style.order)] },
    ],
    ['devs', { STATUS: head, DEVS: [ordered(device, truth.style.order)] }],
    ['pools', cgminerPoolsAnswer(truth, { first: 0, lastShare: 'time', clockS: clockS(truth) })],
  ]
}

const unusedFans = ({ choice }: AvalonTruth): number => choice % 4
const hasFanParts = (truth: AvalonTruth): boolean => truth.fansRpm.length + unusedFans(truth) > 0

const ghs = (rateHs: number): string => String(written(rateHs / STEP_HS, 2, 'text'))

function textOf(truth: AvalonTruth): string {
  const { boards, fansRpm, mode, powerW } = truth
  const unused = Array.from(
    { length: unusedFans(truth) },
    (_, index) => `Fan${fansRpm.length + index + 1}[0]`,
  )
  const supply = `PS[0 1200 1150 250 2875 1200 ${powerW}]`
  const state = mode === 'sleep' ? 'In Idle' : 'In Work'
  const parts = [
    `GHSmm[${ghs(truth.nominalHs ?? 0)}]`,
    `MGHS[${boards.map(({ rateHs }) => ghs(rateHs ?? 0)).join(' ')}]`,
    `MTmax[${boards.map(({ chipC }) => chipC ?? 0).join(' ')}]`,
    `ECHU[${truth.codes.join(' ')}]`,
    'ECMM[0]',
    `TMax[${hottest(truth) ?? 0}]`,
    'FanR[55%]',
    'Core[A1]',
    ...fansRpm.map((rpm, index) => `Fan${index + 1}[${rpm}]`),
    ...unused,
    ...(truth.uptimeS === null ? [] : [`Elapsed[${truth.uptimeS}]`]),
    ...(truth.nowHs === null ? [] : [`GHSspd[${ghs(truth.nowHs)}]`]),
    ...(truth.meanHs === null ? [] : [`GHSavg[${ghs(truth.meanHs)}]`]),
    ...(truth.airC === null ? [] : [`${truth.choice % 2 === 0 ? 'Temp' : 'ITemp'}[${truth.airC}]`]),
    ...(truth.hwErrors === null ? [] : [`HW[${truth.hwErrors}]`]),
    ...(powerW === null ? [] : [supply, ...(truth.choice % 5 === 0 ? [] : [`WALLPOWER[${powerW}]`])]),
    ...(mode === null
      ? []
      : [
          `SYSTEMSTATU[Work: ${state}, Hash Board: ${boards.length} ]`,
          `SoftOFF[${mode === 'sleep' ? 3 : 0}]`,
        ]),
    ...(hasChipText(truth) ? [] : boards.map((board, slot) => chipPart(truth, board, slot))),
  ]
  const rotated = parts.map((_, index) => parts[(index + truth.style.order) % parts.length])
  return `Ver[${truth.model.model}] ${rotated.join(' ')} LED[0]`
}

/** The temperatures of a board's chips; 0 for one that does not answer. */
function chipPart({ model, mode }: AvalonTruth, { chips, chipC }: BoardTruth, slot: number): string {
  const answering = mode === 'sleep' ? 0 : chips
  const chip = (index: number): number => (index < answering ? (chipC ?? 40) : 0)
  return `PVT_T${slot}[${Array.from({ length: model.chipsPerBoard }, (_, index) => chip(index)).join(' ')}]`
}

const hottest = ({ boards }: AvalonTruth): number | null => maxOf(boards.map(({ chipC }) => chipC))

function telemetry(truth: AvalonTruth): JsonObject {
  const { mode, powerW } = truth
  const known = telemetryOf(truth)
  const isAsleep = mode === 'sleep'
  const boards = boardsSaying(truth, ['hashrate_hs', 'chips'])
  const shown = truth.boards.map(({ chipC }, slot) => ({ ...boards[slot], temp_chip_c: chipC }))
  const asleep = truth.boards.map(({ chipC }, slot) => ({
    slot,
    hashrate_hs: null,
    chips: null,
    temp_chip_c: chipC,
  }))
  return {
    ...known,
    source_api: 'avalon',
    api_ver: '4.2',
    ip: null,
    hostname: null,
    device_time: null,
    hashrate_hs: { now: truth.nowHs, '1m': truth.minuteHs, '5m': null, avg: truth.meanHs },
    hw_errors: truth.hwErrors,
    power_source: powerW === null ? null : 'miner',
    psus: powerW === null ? null : [{ in_w: powerW, out_v: 11.5, out_a: 250, out_w: 2_875 }],
    temp_c: { ambient: truth.airC, board_max: null, chip_max: hottest(truth) },
    fans: hasFanParts(truth) ? truth.fansRpm.map((rpm, index) => ({ index, rpm, pct: 55 })) : null,
    boards: isAsleep ? asleep : shown,
    boards_online: isAsleep ? null : known['boards_online'],
    chips_online: isAsleep ? null : known['chips_online'],
    pools: cgminerPoolsTelemetry(truth, clockS(truth), 'time'),
    mode: isAsleep ? 'sleep' : null,
    errors: truth.codes.flatMap((code, slot) =>
      code === 0 ? [] : [{ vendor_code: `ECHU:${code}`, component: 'hashboard', slot }],
    ),
  }
}
