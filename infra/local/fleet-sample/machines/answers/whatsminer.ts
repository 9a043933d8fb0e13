import type { JsonObject } from '../../../../../pipelines/json/json-object.ts'
import { MEGA, SECOND_MS } from '../../../../../schemas/units.ts'
import { listed } from './styled.ts'
import type { StyledTruth } from './styled.ts'
import { ordered, orAbsent, PASSWORD, written } from './writing.ts'
import type { AskedAnswer } from './writing.ts'

/** Millionths of a TH/s. */
export const V3_STEP_HS = MEGA
const POWER_MODES: Readonly<Record<string, string>> = { low: '0', normal: '1' }
export const REASON = 'what went wrong'

/** An open error of a WhatsMiner. */
export interface ErrorTruth {
  readonly code: string
  readonly atS: number
}

/** A zone that never changes its clocks in the years of these tests; null where the inventory does not know it. */
export interface Zone {
  readonly name: string | null
  readonly aheadS: number
}

export interface V3Truth extends StyledTruth {
  readonly minuteHs: number | null
  readonly quarterHs: number | null
  readonly zone: Zone
  readonly errors: readonly ErrorTruth[]
}

/** The rate of the factory is below 0 where the machine does not know it, and the limit the largest number of 31 bits. */
export const hasNoFactoryRate = ({ nominalHs, choice }: V3Truth): boolean =>
  nominalHs === null && choice % 2 === 0

/** Answers of WhatsMiners on TCP 4433: one for each part or one for all, numbers that stand for "unset", no shares. */
export function whatsminerV3Answers(truth: V3Truth): AskedAnswer[] {
  const head = { code: 0, when: truth.deviceTimeS ?? undefined, desc: 'an answer' }
  const parts = { summary: summaryOf(truth), edevs: devsOf(truth), pools: poolsOf(truth) }
  const info: AskedAnswer = ['get.device.info', { ...head, msg: infoOf(truth) }]
  // The poorer form that the machine still has.
  const old: AskedAnswer = ['summary', { SUMMARY: [{ 'MHS 5s': 1, Accepted: 7 }] }]
  if (truth.choice % 3 === 0) return [['get.miner.status', { ...head, msg: parts }], info, old]
  const single = Object.entries(parts).map(
    ([name, part]): AskedAnswer => [`get.miner.status ${name}`, { ...head, msg: { [name]: part } }],
  )
  return [...single, info, old]
}

function ths(rateHs: number | null, { style }: V3Truth): string | number | undefined {
  return orAbsent(rateHs, (known) =>
    written(known / V3_STEP_HS, 6, style.numbers === 'text' ? 'text' : 'number'),
  )
}

function summaryOf(truth: V3Truth): JsonObject {
  const { fansRpm, boards, style } = truth
  return ordered(
    {
      elapsed: truth.uptimeS ?? undefined,
      'hash-realtime': ths(truth.nowHs, truth),
      'hash-1min': ths(truth.minuteHs, truth),
      'hash-15min': ths(truth.quarterHs, truth),
      'hash-average': ths(truth.meanHs, truth),
      'factory-hash': hasNoFactoryRate(truth) ? -0.002 : ths(truth.nominalHs, truth),
      [truth.choice % 5 === 0 ? 'power-5min' : 'power-realtime']: truth.powerW ?? undefined,
      'power-limit': 2_147_483_647,
      'board-temperature': boards.map(({ boardC, chips }) => (chips === 0 ? 0 : (boardC ?? 0))),
      'up-freq-finish': 1,
      'fan-speed-in': fansRpm[0],
      'fan-speed-out': fansRpm[1],
    },
    style.order,
  )
}

function devsOf(truth: V3Truth): JsonObject[] {
  const devs = truth.boards.map((board, slot) =>
    ordered(
      {
        id: slot,
        slot,
        status: board.chips === 0 ? 'dead' : 'alive',
        'hash-realtime': ths(board.rateHs, truth),
        'hash-average': 5.5,
        'factory-hash': ths(board.nominalHs, truth),
        'effective-chips': board.chips,
        'chip-temp-max': board.chipC ?? 0,
        freq: board.freqMhz ?? undefined,
      },
      truth.style.order,
    ),
  )
  return listed(devs, truth)
}

function poolsOf(truth: V3Truth): JsonObject[] {
  const pools = truth.pools.map((pool, index) =>
    ordered(
      {
        account: pool.user,
        'pool-priority': index,
        status: pool.isAlive ? 'alive' : 'dead',
        'stratum-active': index === 1,
        url: pool.url.replace('://', `://acct:${PASSWORD}@`),
      },
      truth.style.order,
    ),
  )
  return listed(pools, truth)
}

function infoOf(truth: V3Truth): JsonObject {
  const { mode, style } = truth
  const serials = truth.boards.map(({ serial }, slot) => [`pcbsn${slot}`, serial ?? ''])
  const miner = {
    working: orAbsent(mode, (known) => String(known !== 'sleep')),
    'miner-sn': truth.serial ?? '00000000',
    ...Object.fromEntries(serials),
  }
  const errors = truth.errors.map(({ code, atS }) => ({
    [code]: localTimeText(atS, truth.zone),
    reason: REASON,
  }))
  return {
    network: {
      ip: truth.ip ?? '0.0.0.0',
      mac: truth.mac ?? undefined,
      hostname: truth.hostname ?? undefined,
    },
    miner: ordered(miner, style.order),
    system: { api: '3.1.0', fwversion: truth.fwVer ?? undefined },
    power: { mode: orAbsent(mode, (known) => POWER_MODES[known]), fanspeed: 6_100 },
    'error-code': errors.length === 0 ? undefined : errors,
  }
}

/** By the clocks of the location. */
export function localTimeText(atS: number, { aheadS }: Zone): string {
  return new Date((atS + aheadS) * SECOND_MS).toISOString().slice(0, 19).replace('T', ' ')
}
