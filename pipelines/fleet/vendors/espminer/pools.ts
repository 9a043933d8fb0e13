import type { PoolReading, SharesReading } from '../../reading.ts'
import { sumOfAll } from '../../sums.ts'
import type { Place } from '../reading/place.ts'

/** Stale shares are some of the rejected ones here. */
export function readShares(info: Place): SharesReading {
  const rejected = info.at('sharesRejected').counter()
  return {
    accepted: info.at('sharesAccepted').counter(),
    rejected,
    stale: staleOf(info.at('sharesRejectedReasons'), rejected),
  }
}

/** The list has a reason only once it has occurred: that none was stale is known where the reasons explain every rejected one. */
function staleOf(reasons: Place, rejected: number | null): number | null {
  if (!reasons.isList) return null
  const counts = reasons.items().map((reason) => ({
    reason: reason.at('message').word(),
    count: reason.at('count').counter(),
  }))
  const stale = counts.filter(({ reason }) => reason.includes('stale')).map(({ count }) => count)
  if (stale.length > 0) return sumOfAll(stale)
  const isExplained = counts.every(({ reason }) => reason !== '')
  const all = counts.length === 0 ? 0 : sumOfAll(counts.map(({ count }) => count))
  return isExplained && rejected !== null && all === rejected ? 0 : null
}

/** The pool, and the one to fall back to. The machine has one set of counters: it belongs to the pool that is in use. */
export function readPools(info: Place, shares: SharesReading): PoolReading[] | null {
  const isFallback = info.at('isUsingFallbackStratum').flag()
  const first = poolOf(info, 0, 'stratum', isFallback === null ? null : !isFallback)
  const second = poolOf(info, 1, 'fallbackStratum', isFallback)
  const pools = [first, second].filter((pool) => pool !== null)
  if (pools.length === 0) return null
  const difficulty = info.at('poolDifficulty').counter({ zeroIsNone: true })
  return pools.map((pool) => (pool.active === true ? counted(pool, shares, difficulty) : pool))
}

function counted(pool: PoolReading, shares: SharesReading, difficulty: number | null): PoolReading {
  const { accepted = null, rejected = null, stale = null } = shares
  return { ...pool, accepted, rejected, stale, difficulty }
}

function poolOf(info: Place, index: number, prefix: string, active: boolean | null): PoolReading | null {
  const host = info.at(`${prefix}URL`).poolUrl()
  if (host === null) return null
  const port = info.at(`${prefix}Port`).count({ zeroIsNone: true })
  const hasPort = /:\d+$/.test(host)
  return {
    index,
    url: port === null || hasPort ? host : `${host}:${port}`,
    user: info.at(`${prefix}User`).text(),
    active,
  }
}
