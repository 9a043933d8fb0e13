import { SECOND_MS } from '../../../../schemas/units.ts'
import type { PoolReading } from '../../reading.ts'
import { CLOCK_SKEW_MS_MAX, timeText } from '../reading/clocks.ts'
import type { Place } from '../reading/place.ts'

/** The pools of all groups, one after the other; null where there is no list of groups. */
export function restPools(groups: Place, collectedAtMs: number): PoolReading[] | null {
  if (!groups.isList) return null
  const pools = groups.items().flatMap((group) => group.at('pools').items())
  return pools.map((pool, index) => {
    const stats = pool.at('stats')
    const lastS = stats.at('last_share_time', 'seconds').number()
    return {
      index,
      url: pool.at('url').poolUrl(),
      user: pool.at('user').text(),
      active: pool.at('active').flag(),
      alive: pool.at('alive').flag(),
      accepted: stats.at('accepted_shares').counter(),
      rejected: stats.at('rejected_shares').counter(),
      stale: stats.at('stale_shares').counter(),
      difficulty: stats.at('last_difficulty').counter({ zeroIsNone: true }),
      last_share_at: lastS === null ? null : believableTime(lastS * SECOND_MS, collectedAtMs),
    }
  })
}

/** By the machine's clock, which shows no other time here; null where that clock was not set. */
function believableTime(atMs: number, collectedAtMs: number): string | null {
  return Math.abs(atMs - collectedAtMs) <= CLOCK_SKEW_MS_MAX ? timeText(atMs) : null
}
