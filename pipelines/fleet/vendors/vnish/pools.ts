import type { PoolReading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { timeBefore } from '../reading/clocks.ts'
import type { Place } from '../reading/place.ts'

/** What a pool's state says of its connection. `disabled`, `unknown` and any other word say nothing. */
const IS_ALIVE: Readonly<Record<string, boolean>> = {
  active: true,
  working: true,
  offline: false,
  rejecting: false,
}

/** The owner's pools; null where there is no list. Those to which the firmware's maker sends his fee are left out, with a warning. */
export function readPools(list: Place, { collectedAtMs, warnings }: AdapterInput): PoolReading[] | null {
  if (!list.isList) return null
  const own = list.items().filter((pool) => !isFee(pool))
  if (own.length < list.items().length) warnings.note('devfee_pool_dropped')
  return own.map((pool, at) => poolOf(pool, at, collectedAtMs))
}

function isFee(pool: Place): boolean {
  return /^(?:devfee|refund)$/.test(pool.at('pool_type').word()) || pool.at('url').word() === 'devfee'
}

function poolOf(pool: Place, at: number, collectedAtMs: number): PoolReading {
  const status = pool.at('status').word()
  const accepted = pool.at('accepted').counter()
  const exact = pool.at('ls_diff').counter({ zeroIsNone: true })
  return {
    index: pool.at('id').count() ?? at,
    url: pool.at('url').poolUrl(),
    user: pool.at('user').text(),
    active: status === '' ? null : status === 'active',
    alive: Object.hasOwn(IS_ALIVE, status) ? (IS_ALIVE[status] ?? null) : null,
    accepted,
    rejected: pool.at('rejected').counter(),
    stale: pool.at('stale').counter(),
    diff_accepted: pool.at('diffa').counter(),
    difficulty: exact ?? pool.at('diff').counter({ zeroIsNone: true }),
    last_share_at: accepted === 0 ? null : timeBefore(collectedAtMs, ageS(pool.at('ls_time'))),
  }
}

/** A duration in a text; a bare number is none. */
function ageS(place: Place): number | null {
  return place.word().includes(':') ? place.seconds() : null
}
