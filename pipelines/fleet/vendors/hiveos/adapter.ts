import type { Reading, SharesReading } from '../../reading.ts'
import { smallest, sumOfAll } from '../../sums.ts'
import type { AdapterInput } from '../adapter.ts'
import { missingGpus } from '../reading/missing-gpus.ts'
import type { Place } from '../reading/place.ts'
import { powerOfParts } from '../reading/power-of-parts.ts'
import { isSameAlgorithm } from './algorithms.ts'
import { cardReadings, cardsOnline, minedCards } from './cards.ts'
import { minersOf } from './miners.ts'
import type { Miner, Work } from './miners.ts'
import { sensorsOf } from './sensors.ts'

/**
 * The message `stats` of the HiveOS agent of a rig with graphics cards. It holds the rig's password, which is never read.
 * Several miners may run at once, under algorithms of their own: rates under different ones are never added up. The watts
 * are those of the cards; processor, board and losses of the supply are not among them.
 */
export function readHiveos({ answers, context, warnings }: AdapterInput): Reading {
  const answer = answers.of('stats')
  const params = answer.at('params').isObject ? answer.at('params') : answer
  const miners = minersOf(params)
  const main = mainWorks(miners, context.model?.algorithm ?? null)
  const others = miners.flatMap(({ works }) => works.filter((work) => !main.has(work)))
  const mainMiners = miners.filter(({ works }) => works.some((work) => main.has(work)))
  const mined = minedCards(miners, main)
  const sensors = sensorsOf(params, { mined: mined.length, expected: context.gpusExpected }, warnings)
  const gpus = cardReadings(mined, sensors)
  const missing = gpus.length === 0 ? 0 : missingGpus(gpus.length, context, warnings)
  const watts = gpus.map(({ power_w: power }) => power ?? null)
  const partsW = sensors.isAligned ? watts : sensors.power.map((power) => power.powerW())
  const [first] = mainMiners.length === 0 ? miners : mainMiners
  return {
    source_api: 'hiveos',
    algorithm: [...main][0]?.algorithm ?? null,
    firmware: first?.name ?? null,
    fw_ver: first?.stats.at('ver').text() ?? null,
    hashrate_hs: { now: sumOfAll([...main].map(({ rateHs }) => rateHs)) },
    secondary:
      others.length === 0
        ? null
        : others.map(({ algorithm, rateHs, shares }) => ({
            algorithm,
            hashrate_hs: { now: rateHs },
            shares,
          })),
    ...powerOfParts(partsW, missing === 0, warnings),
    power_source: 'gpu_sum',
    // The youngest of several: each restart begins its counters again.
    uptime_s: smallest(mainMiners.map(({ stats }) => stats.at('uptime').seconds())),
    gpu: gpus.length === 0 ? null : gpus,
    gpus_online: gpus.length === 0 ? null : cardsOnline(gpus),
    gpus_expected: gpus.length === 0 ? null : gpus.length,
    shares: sharesOf([...main]),
    status_raw: first?.stats.at('status').text() ?? null,
    is_mining: isMining(params, miners),
  }
}

/**
 * The works under the algorithm of the inventory. One that does not say its algorithm counts as it where none says so. A rig
 * may be told to do something else than the inventory knows: then none is.
 */
function mainWorks(miners: readonly Miner[], algorithm: string | null): ReadonlySet<Work> {
  const works = miners.flatMap((miner) => miner.works)
  if (algorithm === null) return new Set(works.slice(0, 1))
  const same = works.filter((work) => work.algorithm !== null && isSameAlgorithm(work.algorithm, algorithm))
  return new Set(same.length > 0 ? same : works.filter((work) => work.algorithm === null).slice(0, 1))
}

function sharesOf(works: readonly Work[]): SharesReading {
  const total = (name: 'accepted' | 'rejected' | 'invalid'): number | null =>
    sumOfAll(works.map(({ shares }) => shares[name] ?? null))
  return { accepted: total('accepted'), rejected: total('rejected'), invalid: total('invalid') }
}

const STATUSES: Readonly<Record<string, boolean>> = {
  running: true,
  mining: true,
  stopped: false,
  paused: false,
}

/** The intent: a miner that is set runs, unless it says otherwise; without one that is set, none is meant to. */
function isMining(params: Place, miners: readonly Miner[]): boolean | null {
  const status = miners[0]?.stats.at('status').word() ?? ''
  if (Object.hasOwn(STATUSES, status)) return STATUSES[status] ?? null
  if (miners.length > 0) return true
  return params.at('miner').isGiven && params.at('miner').text() === null ? false : null
}
