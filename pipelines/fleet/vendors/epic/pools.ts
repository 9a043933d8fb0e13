import type { PoolReading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { CLOCK_SKEW_MS_MAX, timeBefore, timeText } from '../reading/clocks.ts'
import type { Place } from '../reading/place.ts'
import { SECOND_MS } from '../../../../schemas/units.ts'

/**
 * The pools that are set, with the number of the one in use; null where there is no list. Shares are counted for the session: where
 * several pools are set they are those of none of them.
 */
export function poolsOf({ collectedAtMs }: AdapterInput, summary: Place): PoolReading[] | null {
  const list = summary.at('StratumConfigs')
  if (!list.isList) return null
  const stratum = summary.at('Stratum')
  const used = stratum.at('Config Id').count()
  const pools = list.items().map((pool, index): PoolReading => {
    const isUsed = used === null ? null : used === index
    return {
      index,
      url: pool.at('pool').poolUrl(),
      user: pool.at('login').text(),
      active: isUsed,
      alive: isUsed === true ? stratum.at('IsPoolConnected').flag() : null,
    }
  })
  const [only] = pools
  return only === undefined || pools.length > 1
    ? pools
    : [withShares(only, summary.at('Session'), collectedAtMs)]
}

function withShares(pool: PoolReading, session: Place, collectedAtMs: number): PoolReading {
  return {
    ...pool,
    accepted: session.at('Accepted').counter(),
    rejected: session.at('Rejected').counter(),
    difficulty: session.at('Difficulty').counter({ zeroIsNone: true }),
    last_share_at: lastShareAt(session, collectedAtMs),
  }
}

/** Newer releases say how long ago it was; the time is by the machine's clock. */
function lastShareAt(session: Place, collectedAtMs: number): string | null {
  const ageS = session.at('Last Accepted Share Timer').seconds()
  if (ageS !== null) return timeBefore(collectedAtMs, ageS)
  const atMs = (session.at('Last Accepted Share Timestamp').number() ?? 0) * SECOND_MS
  return Math.abs(atMs - collectedAtMs) <= CLOCK_SKEW_MS_MAX ? timeText(atMs) : null
}
