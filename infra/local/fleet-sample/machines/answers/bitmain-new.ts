import type { JsonObject } from '../../../../../pipelines/json/json-object.ts'
import { rateText, shareAge, systemInfo } from './bitmain.ts'
import type { BitmainTruth } from './bitmain.ts'
import type { BoardTruth } from './truth.ts'
import { ordered, orAbsent } from './writing.ts'
import type { AskedAnswer } from './writing.ts'

const MODE_NUMBERS: Readonly<Record<string, number>> = { normal: 0, sleep: 1, low: 3 }

/** Answers of Bitmain's firmware since 2022: lists of chains and fans, watts under one of two names, modes, errors. */
export function bitmainNewAnswers(truth: BitmainTruth): AskedAnswer[] {
  return [
    ['stats new_api', statsOf(truth)],
    ['summary.cgi', summaryOf(truth)],
    ['pools.cgi', { POOLS: poolsOf(truth) }],
    ['get_system_info.cgi', systemInfo(truth)],
    ['get_miner_conf.cgi', confOf(truth)],
  ]
}

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

function summaryOf({ unit, style, fansRpm }: BitmainTruth): JsonObject {
  const fans = fansRpm.includes(0)
    ? { status: 'e', code: 2, msg: 'one stands still' }
    : { status: 's', code: 0, msg: '' }
  const status = [
    { type: 'network', status: 's', code: 0, msg: '' },
    { type: 'fans', ...fans },
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
