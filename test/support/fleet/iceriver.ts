import * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { maxOf, sumOf, telemetryOf } from './expected.ts'
import type { GeneratedPoll } from './generators.ts'
import type { BoardTruth, PoolTruth } from '../../../infra/local/fleet-sample/machines/answers/truth.ts'
import { PASSWORD } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { lastShareAt } from './poll-document.ts'
import {
  clockText,
  ordered,
  orAbsent,
  written,
} from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import type { Style } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { listed } from '../../../infra/local/fleet-sample/machines/answers/styled.ts'
import { styledTruth, timeTextS, vendorDocument } from './vendor-document.ts'
import type { StyledTruth } from '../../../infra/local/fleet-sample/machines/answers/styled.ts'

/** Rates are multiples of 10 MH/s: two decimals of GH/s, five of TH/s. */
const STEP_HS = 10_000_000
const DECIMALS = { G: 2, T: 5 } as const
const FLAGS = ['powstate', 'netstate', 'fanstate', 'tempstate'] as const
const FLAG_COMPONENTS = ['device', 'network', 'fan', 'device'] as const

interface PanelTruth extends StyledTruth {
  readonly letter: keyof typeof DECIMALS
  /** Rates are JSON numbers, in the unit that the panel names. */
  readonly isBare: boolean
  readonly isOnline: boolean | null
  readonly flags: readonly (boolean | null)[]
  readonly boardStates: readonly boolean[]
  readonly unusedFans: number
  readonly hasUnusedPool: boolean
}

/** Answers of the user panel: rates with letters or bare, flags, a runtime that begins with days, passwords. */
export const iceriver: fc.Arbitrary<GeneratedPoll> = fc
  .record({
    truth: styledTruth({ rateStepHs: STEP_HS, boardsMax: 4, fansMax: 4 }),
    more: fc.record({
      letter: fc.constantFrom('G', 'T'),
      isBare: fc.boolean(),
      isOnline: fc.option(fc.boolean()),
      flags: fc.array(fc.option(fc.boolean()), { minLength: FLAGS.length, maxLength: FLAGS.length }),
      boardStates: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      unusedFans: fc.nat(2),
      hasUnusedPool: fc.boolean(),
    }),
  })
  .map(({ truth, more }) => generated({ ...truth, ...more }))

function generated(truth: PanelTruth): GeneratedPoll {
  const { style, boards } = truth
  const panel = ordered(
    {
      model: 'none',
      algo: 'none',
      softver1: truth.fwVer ?? undefined,
      mac: orAbsent(truth.mac, (mac) => mac.replaceAll(':', '-').toLowerCase()),
      ip: truth.ip ?? '0.0.0.0',
      host: truth.hostname ?? undefined,
      online: truth.isOnline ?? undefined,
      unit: truth.letter,
      rtpow: orAbsent(truth.nowHs, (rate) => rateOf(rate, truth, truth.letter)),
      avgpow: orAbsent(truth.meanHs, (rate) => rateOf(rate, truth, truth.letter)),
      runtime: orAbsent(truth.uptimeS, runtimeText),
      fans: [...truth.fansRpm, ...Array.from({ length: truth.unusedFans }, () => 0)],
      boards: listed(
        boards.map((board, slot) => boardOf(truth, board, slot)),
        truth,
      ),
      pools: poolsOf(truth),
      refTime: orAbsent(timeTextS(truth.deviceTimeS), clockOf),
      ...Object.fromEntries(FLAGS.map((flag, at) => [flag, truth.flags[at] ?? undefined])),
    },
    style.order,
  )
  const body = { error: 0, message: '', data: panel }
  const rates = [truth.nowHs, truth.meanHs, ...boards.flatMap(({ rateHs, nominalHs }) => [rateHs, nominalHs])]
  const isPadded = style.numbers === 'padded' && !truth.isBare && rates.some((rate) => rate !== null)
  return {
    document: vendorDocument('iceriver', truth, [['userpanel post=4', body]]),
    expected: { telemetry: expectedOf(truth), warnings: isPadded ? ['text_number_trimmed'] : [] },
  }
}

function rateOf(
  rateHs: number,
  { style, isBare, letter }: PanelTruth,
  own: keyof typeof DECIMALS,
): string | number {
  const steps = rateHs / STEP_HS
  if (isBare) return written(steps, DECIMALS[letter], 'number')
  const isPadded = style.numbers === 'padded'
  const text = written(steps, DECIMALS[own], isPadded ? 'text' : style.numbers)
  return isPadded ? ` ${text}${own}\r` : `${text}${own}`
}

/** `2026-05-04 03:02:01 UTC` */
function clockOf(rfc3339: string): string {
  return `${rfc3339.slice(0, 19).replace('T', ' ')} UTC`
}

/** dd:hh:mm:ss */
function runtimeText(seconds: number): string {
  const day = 86_400
  return `${Math.floor(seconds / day)}:${clockText(seconds % day)}`
}

/** A board has no sensor of its own in half of the machines, but always two in the stream. */
function boardC({ boardC: temperature }: BoardTruth, { order }: Style): number | null {
  return order % 2 === 0 ? temperature : null
}

function boardOf(truth: PanelTruth, board: BoardTruth, slot: number): JsonObject {
  const isLost = board.chips === 0
  const temperature = boardC(board, truth.style)
  return ordered(
    {
      no: slot + 1,
      chipnum: board.chips,
      freq: isLost ? 0 : (board.freqMhz ?? undefined),
      rtpow: orAbsent(board.rateHs, (rate) => rateOf(rate, truth, 'G')),
      idealpow: orAbsent(board.nominalHs, (rate) => rateOf(rate, truth, 'G')),
      pcbtemp: isLost || temperature === null ? '' : String(temperature),
      intmp: isLost ? 0 : (board.boardC ?? undefined),
      outtmp: isLost ? 0 : (board.chipC ?? undefined),
      state: truth.boardStates[slot],
      false: [],
    },
    truth.style.order,
  )
}

function poolsOf(truth: PanelTruth): JsonObject[] {
  const pools = truth.pools.map((pool, index) => poolOf(pool, index, truth.style))
  const unused = {
    no: pools.length + 1,
    addr: '',
    user: '',
    pass: '',
    connect: false,
    accepted: 0,
    rejected: 0,
  }
  return truth.hasUnusedPool ? [...pools, unused] : pools
}

function poolOf(pool: PoolTruth, index: number, { order }: Style): JsonObject {
  const isExact = order % 3 !== 0
  return ordered(
    {
      no: index + 1,
      addr: pool.url,
      user: pool.user,
      pass: PASSWORD,
      connect: index === 0,
      state: pool.isAlive ? 1 : 0,
      accepted: pool.accepted,
      rejected: pool.rejected,
      lsdiff: isExact ? pool.difficulty : 0,
      diff: `${pool.difficulty / 1_000}K`,
      lstime: pool.shareAgeS === null ? '' : clockText(pool.shareAgeS),
    },
    order,
  )
}

function expectedOf(truth: PanelTruth): JsonObject {
  const common = telemetryOf(truth)
  const present = truth.boards.filter(({ chips }) => chips > 0)
  const inlets = present.map((board) => board.boardC).filter((value) => value !== null)
  const flags = FLAGS.flatMap((flag, at) =>
    truth.flags[at] === false ? [{ vendor_code: flag, component: FLAG_COMPONENTS[at] }] : [],
  )
  const shown = listed([...truth.boards.keys()], truth)
  const alarms = shown.flatMap((slot) =>
    truth.boardStates[slot] === false
      ? [{ vendor_code: `board:${slot + 1}`, component: 'hashboard', slot }]
      : [],
  )
  return {
    ...common,
    source_api: 'iceriver',
    device_time: timeTextS(truth.deviceTimeS),
    serial: null,
    power_w: null,
    power_source: null,
    mode: null,
    is_mining: truth.isOnline,
    hashrate_hs: { now: truth.nowHs, '1m': null, '5m': null, '15m': null, '1h': null, avg: truth.meanHs },
    hashrate_nominal_hs: sumOf(truth.boards.map(({ nominalHs }) => nominalHs)),
    hw_errors: null,
    temp_c: {
      inlet: inlets.length === 0 ? null : Math.min(...inlets),
      outlet: maxOf(present.map(({ chipC }) => chipC)),
      board_max: maxOf(present.map((board) => boardC(board, truth.style))),
      chip_max: null,
    },
    boards: truth.boards.map((board, slot) => ({
      slot,
      present: board.chips > 0,
      serial: null,
      hashrate_hs: board.rateHs,
      nominal_hs: board.nominalHs,
      temp_board_c: board.chips === 0 ? null : boardC(board, truth.style),
      temp_chip_c: null,
      chips: board.chips,
      freq_mhz: board.chips === 0 ? null : board.freqMhz,
      hw_errors: null,
    })),
    pools: truth.pools.map((pool, index) => ({
      index,
      url: pool.url,
      user: pool.user,
      active: index === 0,
      alive: pool.isAlive,
      accepted: pool.accepted,
      rejected: pool.rejected,
      stale: null,
      difficulty: pool.difficulty,
      last_share_at: lastShareAt(pool),
    })),
    shares: { ...(common['shares'] as JsonObject), stale: null },
    errors: [...flags, ...alarms],
  }
}
