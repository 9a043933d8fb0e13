import type { JsonObject } from '../../../../../pipelines/json/json-object.ts'
import { rateText, shareAge, systemInfo } from './bitmain.ts'
import type { BitmainTruth } from './bitmain.ts'
import type { BoardTruth } from './truth.ts'
import { ordered, orAbsent } from './writing.ts'
import type { AskedAnswer } from './writing.ts'

/** Answers of Bitmain's firmware until 2022: flat statistics with a number in each key; no watts, and no mode. */
export function bitmainOldAnswers(truth: BitmainTruth): AskedAnswer[] {
  return [
    ['stats', statsOf(truth)],
    ['get_system_info.cgi', systemInfo(truth)],
    ['pools', poolsOf(truth)],
    // It shows 0 while the machine hashes.
    ['devs', { DEVS: [{ ASC: 0, 'MHS 5s': 0, 'MHS av': 0, Accepted: 0, Tenperature: 0 }] }],
  ]
}

function statsOf(truth: BitmainTruth): JsonObject {
  const { style, boards, unit, fansRpm } = truth
  const numbered = [
    ...boards.flatMap((board, slot) => chainOf(truth, board, slot + 1)),
    ...Array.from({ length: truth.unusedChains }, (_, index) =>
      unusedChain(boards.length + index + 1),
    ).flat(),
    ...fansRpm.map((rpm, index): [string, unknown] => [`fan${index + 1}`, rpm]),
    ...Array.from({ length: truth.unusedFans }, (_, index): [string, unknown] => [
      `fan${fansRpm.length + index + 1}`,
      0,
    ]),
  ]
  const body = {
    STATS: 0,
    ID: 'BTM0',
    Elapsed: truth.uptimeS ?? undefined,
    'GHS 5s': orAbsent(truth.nowHs, (rate) => rateText(rate, truth)),
    'GHS av': orAbsent(truth.meanHs, (rate) => rateText(rate, truth)),
    total_rateideal: orAbsent(truth.nominalHs, (rate) => rateText(rate, truth)),
    rate_unit: unit.shown,
    fan_num: fansRpm.length,
    ...Object.fromEntries(numbered),
  }
  const head = { BMMiner: '1.0.0', Type: truth.model.model }
  const status = [{ STATUS: 'S', When: truth.deviceTimeS ?? undefined, Msg: 'CGMiner stats' }]
  return { STATUS: status, STATS: [head, ordered(body, style.order)], id: 1 }
}

/** Four sensors in one text, of which the hottest counts; 0 is no reading, and some are below 0. */
function chainOf(truth: BitmainTruth, board: BoardTruth, n: number): [string, unknown][] {
  const sensors = (hottest: number | null): string =>
    [hottest === null ? 0 : -3, hottest ?? 0, 0, hottest === null ? 0 : hottest - 1].join('-')
  if (board.chips === 0) return unusedChain(n)
  const rate = orAbsent(board.rateHs, (rateHs) => rateText(rateHs, truth))
  const isQuadruple = n % 2 === 0
  return [
    [`chain_acn${n}`, board.chips],
    [`chain_acs${n}`, ' ooxo'],
    [`chain_rate${n}`, rate],
    [`chain_hw${n}`, board.hwErrors ?? undefined],
    [`freq${n}`, orAbsent(board.freqMhz, String)],
    isQuadruple ? [`temp_pcb${n}`, sensors(board.boardC)] : [`temp${n}`, board.boardC ?? 0],
    isQuadruple ? [`temp_chip${n}`, sensors(board.chipC)] : [`temp2_${n}`, board.chipC ?? 0],
  ]
}

function unusedChain(n: number): [string, unknown][] {
  return [
    [`chain_acn${n}`, 0],
    [`chain_rate${n}`, ''],
    [`chain_hw${n}`, 0],
    [`temp_pcb${n}`, '0-0-0-0'],
    [`temp_chip${n}`, '0-0-0-0'],
  ]
}

function poolsOf(truth: BitmainTruth): JsonObject {
  const pools = truth.pools.map((pool, index) =>
    ordered(
      {
        POOL: index,
        URL: pool.url.replace('://', '://acct:kept@'),
        User: pool.user,
        Status: pool.isAlive ? 'Alive' : 'Dead',
        'Stratum Active': index === 0,
        Accepted: pool.accepted,
        Rejected: pool.rejected,
        Stale: pool.stale,
        'Get Failures': 3,
        'Last Share Time': shareAge(pool),
        'Last Share Difficulty': pool.difficulty,
        'Pool Stale%%': 0.1,
      },
      truth.style.order,
    ),
  )
  const unused = { POOL: pools.length, URL: '', User: '', Status: 'Dead', Accepted: 0, Rejected: 0, Stale: 0 }
  return { STATUS: [{ STATUS: 'S' }], POOLS: truth.hasUnusedPool ? [...pools, unused] : pools }
}
