import { KILO } from '../../../../schemas/units.ts'
import type { SharesReading } from '../../reading.ts'
import { sumOfAll } from '../../sums.ts'
import type { Place } from '../reading/place.ts'
import { algorithmName } from './algorithms.ts'

/** The agent sends `miner`, `miner2` … `miner32`. */
const MINERS_MAX = 32

/** What a miner program does under one algorithm. */
export interface Work {
  /** Null where the miner does not say it. */
  readonly algorithm: string | null
  readonly rateHs: number | null
  /** In the order of the miner's cards, or of its threads. */
  readonly ratesHs: readonly (number | null)[]
  readonly shares: SharesReading
}

/** One of the programs that run at the same time. */
export interface Miner {
  readonly name: string | null
  readonly stats: Place
  /** One, or two where the program does two algorithms at once. */
  readonly works: readonly Work[]
}

/** The miners that answered. The agent sends a rate of 0 for one that did not, with no statistics: that is no reading. */
export function minersOf(params: Place): Miner[] {
  const suffixes = Array.from({ length: MINERS_MAX }, (_, index) => (index === 0 ? '' : String(index + 1)))
  return suffixes.flatMap((suffix) => {
    const stats = params.at(`miner_stats${suffix}`)
    if (!stats.isObject) return []
    const total = params.at(`total_khs${suffix}`)
    const first = workOf(stats, '', total.isGiven ? total : stats.at('total_khs'))
    const hasSecond = ['hs2', 'algo2', 'total_khs2'].some((key) => stats.at(key).isGiven)
    const second = hasSecond ? [workOf(stats, '2', stats.at('total_khs2'))] : []
    return [{ name: params.at(`miner${suffix}`).text(), stats, works: [first, ...second] }]
  })
}

function workOf(stats: Place, suffix: string, total: Place): Work {
  const algorithm = stats.at(`algo${suffix}`).text()
  const unitHs = unitOf(stats.any(`hs_units${suffix}`, 'hs_units'))
  const list = stats.at(`hs${suffix}`)
  const ratesHs = list.items().map((rate) => (unitHs === null ? null : rate.rateHs(unitHs)))
  const shares = stats.at(`ar${suffix}`)
  return {
    algorithm: algorithm === null ? null : algorithmName(algorithm),
    rateHs: total.isGiven ? total.rateHs(KILO) : sumOfAll(ratesHs),
    ratesHs,
    shares: {
      accepted: shares.at(0).counter(),
      rejected: shares.at(1).counter(),
      invalid: shares.at(2).counter(),
    },
  }
}

/** kH/s where no unit is written; null for a word that is none. */
function unitOf(unit: Place): number | null {
  return unit.isGiven ? unit.rateUnitHs() : KILO
}
