import type { PoolReading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { timeBefore } from '../reading/clocks.ts'
import type { Place } from '../reading/place.ts'

/** The pools of the panel, numbered from 1. Their passwords stand beside them and are never read. */
export function readPools({ collectedAtMs }: AdapterInput, panel: Place): PoolReading[] | null {
  const list = panel.at('pools')
  if (!list.isList) return null
  return list.items().map((pool, at) => {
    const number = pool.at('no').count() ?? 0
    const age = pool.at('lstime')
    return {
      index: number > 0 ? number - 1 : at,
      url: pool.at('addr').poolUrl(),
      user: pool.at('user').text(),
      priority: pool.at('priority').count(),
      active: pool.at('connect').flag(),
      alive: pool.at('state').flag(),
      accepted: pool.at('accepted').counter(),
      rejected: pool.at('rejected').counter(),
      diff_accepted: pool.at('diffa').counter(),
      diff_rejected: pool.at('diffr').counter(),
      // The last share's is exact; the other is shortened, "65K".
      difficulty:
        pool.at('lsdiff').counter({ zeroIsNone: true }) ?? pool.at('diff').counter({ zeroIsNone: true }),
      // A bare 0 says that there has been no share.
      last_share_at: timeBefore(collectedAtMs, age.word().includes(':') ? age.seconds() : null),
    }
  })
}
