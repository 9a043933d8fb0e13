import type * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import {
  bitmainTruth,
  commonTelemetry,
  documentOf,
  rateText,
  shareAge,
  systemInfo,
  warningsOf,
} from './bitmain-truth.ts'
import type { BitmainTruth } from './bitmain-truth.ts'
import type { GeneratedPoll } from './generators.ts'
import type { BoardTruth, PoolTruth } from './machine-truth.ts'
import { ordered, orAbsent } from './styles.ts'

const MODE_NUMBERS: Readonly<Record<string, number>> = { normal: 0, sleep: 1, low: 3 }

/** Answers of Bitmain's firmware since 2022: lists of chains and fans, watts under one of two names, modes, errors. */
export const bitmainNew: fc.Arbitrary<GeneratedPoll> = bitmainTruth.map((truth) => {
  const rates = [truth.nowHs, truth.meanHs, truth.nominalHs]
  const present = truth.boards.filter(({ chips }) => chips > 0)
  const ofBoards = present.flatMap(({ rateHs, nominalHs }) => [rateHs, nominalHs])
  const answers = [
    ['stats new_api', statsOf(truth)],
    ['summary.cgi', summaryOf(truth)],
    ['pools.cgi', { POOLS: poolsOf(truth) }],
    ['get_system_info.cgi', systemInfo(truth)],
    ['get_miner_conf.cgi', confOf(truth)],
  ] as const
  const telemetry: JsonObject = {
    ...commonTelemetry(truth),
    pools: truth.pools.map((pool, index) => ({
      index,
      url: pool.url,
      user: pool.user,
      alive: pool.isAlive,
      active: isActive(pool, truth.pools),
      accepted: pool.accepted,
      difficulty: pool.difficulty,
    })),
    errors: [{ vendor_code: 'fans:2', component: 'fan', message: 'one stands still' }],
  }
  const written = [...rates, ...ofBoards].filter((rate) => rate !== null).length
  return {
    document: documentOf(truth, answers),
    expected: { telemetry, warnings: warningsOf(truth, written) },
  }
})

function statsOf(truth: BitmainTruth): JsonObject {
  const { style, fansRpm, unit, boards } = truth
  const chains = boards.map((board, index) => chainOf(truth, board, index))
  const unused = Array.from({ length: truth.unusedChains }, (_, index) => lostChain(boards.length + index))
  const all = [...chains, ...unused]
  const body = {
    elapsed: truth.uptimeS ?? undefined,
    rate_5s: orAbsent(truth.nowHs, (rate) => rateText(rate, truth)),
    rate_avg: orAbsent(truth.meanHs, (rate) => rateText(rate, truth)),
    rate_ideal: orAbsent(truth.nominalHs, (rate) => rateText(rate, truth)),
    rate_unit: unit.shown,
    fan_num: fansRpm.length,
    fan: [...fansRpm, ...Array.from({ length: truth.unusedFans }, () => 0)],
    [style.order % 3 === 0 ? 'power' : 'watt']: truth.powerW ?? undefined,
    chain: style.order % 5 === 0 ? all.toReversed() : all,
  }
  const status = { STATUS: 'S', when: truth.deviceTimeS ?? undefined }
  return { STATUS: status, INFO: { type: truth.model.model }, STATS: [ordered(body, style.order)] }
}

function chainOf(truth: BitmainTruth, board: BoardTruth, index: number): JsonObject {
  if (board.chips === 0) return lostChain(index)
  const sensors = (hottest: number | null): number[] => [
    0,
    hottest ?? 0,
    hottest === null ? 0 : hottest - 1,
    0,
  ]
  return ordered(
    {
      index,
      asic_num: board.chips,
      rate_real: orAbsent(board.rateHs, (rate) => rateText(rate, truth)),
      rate_ideal: orAbsent(board.nominalHs, (rate) => rateText(rate, truth)),
      [index % 2 === 0 ? 'temp_pcb' : 'temp_out_pcb']: sensors(board.boardC),
      temp_chip: sensors(board.chipC),
      freq_avg: board.freqMhz ?? undefined,
      hw: board.hwErrors ?? undefined,
      sn: board.serial ?? '',
      eeprom_loaded: true,
    },
    truth.style.order,
  )
}

function lostChain(index: number): JsonObject {
  const none = [0, 0, 0, 0]
  return {
    index,
    asic_num: 0,
    rate_real: 0,
    rate_ideal: 0,
    temp_pcb: none,
    temp_chip: none,
    hw: 0,
    sn: '',
    eeprom_loaded: false,
  }
}

function summaryOf({ unit, style }: BitmainTruth): JsonObject {
  const status = [
    { type: 'network', status: 's', code: 0, msg: '' },
    { type: 'fans', status: 'e', code: 2, msg: 'one stands still' },
    { type: 'temp', status: '', code: 0, msg: 'says nothing' },
  ]
  return { SUMMARY: [ordered({ rate_unit: unit.shown, status }, style.order)] }
}

function poolsOf(truth: BitmainTruth): JsonObject[] {
  const pools: JsonObject[] = truth.pools.map((pool, index) =>
    ordered(
      {
        index,
        url: `${pool.url}?pass=kept`,
        user: pool.user,
        status: pool.isAlive ? 'Alive' : 'Dead',
        accepted: pool.accepted,
        rejected: pool.rejected,
        stale: pool.stale,
        lsdiff: pool.difficulty,
        lstime: shareAge(pool),
      },
      truth.style.order,
    ),
  )
  const unused = {
    index: pools.length,
    url: '',
    user: '',
    status: '',
    accepted: 0,
    rejected: 0,
    stale: 0,
    lstime: '0',
  }
  return truth.hasUnusedPool ? [...pools, unused] : pools
}

function confOf({ mode, style }: BitmainTruth): JsonObject {
  const number = mode === null ? undefined : MODE_NUMBERS[mode]
  const shown = number === undefined ? undefined : String(number)
  return ordered({ 'bitmain-fan-pwm': '100', 'bitmain-work-mode': shown }, style.order)
}

/** Of the pools that are alive, the one with the newest share; unknown for those, where none of them has had a share. */
function isActive(pool: PoolTruth, pools: readonly PoolTruth[]): boolean | null {
  if (!pool.isAlive) return false
  const ages = pools
    .filter(({ isAlive }) => isAlive)
    .map(({ shareAgeS }) => shareAgeS ?? Number.POSITIVE_INFINITY)
  const newest = Math.min(...ages)
  if (!Number.isFinite(newest)) return null
  const alive = pools.filter(({ isAlive }) => isAlive)
  return alive.find(({ shareAgeS }) => shareAgeS === newest) === pool
}
