import type { PoolReading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { timeBefore } from '../reading/clocks.ts'
import type { Place } from '../reading/place.ts'

/** A pool, and how long ago its last share was; null where it has had none or does not say. */
interface AgedPool {
  readonly pool: PoolReading
  readonly ageS: number | null
}

/** The pools of either generation: `POOL`, `URL`, `Stratum Active`, or `index`, `url`, and no word on which is active. */
export function readPools({ answers, collectedAtMs }: AdapterInput): PoolReading[] | null {
  const list = answers.of('pools.cgi', 'pools new_api', 'pools').at('POOLS')
  if (!list.isList) return null
  const pools = list.items().map((place, at) => poolOf(place, at, collectedAtMs))
  const newest = newestAlive(pools)
  return pools.map(({ pool }) => withActive(pool, newest))
}

function withActive(pool: PoolReading, newest: PoolReading | null): PoolReading {
  return { ...pool, active: pool.active ?? isActive(pool, newest) }
}

function poolOf(place: Place, at: number, collectedAtMs: number): AgedPool {
  const status = place.any('Status', 'status').word()
  const isAlive = status === '' ? null : status === 'alive'
  const age = place.any('Last Share Time', 'lstime')
  // "0" and 0 mean that there has been no share.
  const ageS = age.word().includes(':') ? age.seconds() : null
  const pool: PoolReading = {
    index: place.any('POOL', 'index').count() ?? at,
    url: place.any('URL', 'url').poolUrl(),
    user: place.any('User', 'user').text(),
    priority: place.any('Priority', 'priority').count(),
    active: place.at('Stratum Active').flag(),
    alive: isAlive,
    accepted: place.any('Accepted', 'accepted').counter(),
    rejected: place.any('Rejected', 'rejected').counter(),
    stale: place.any('Stale', 'stale').counter(),
    discarded: place.any('Discarded', 'discarded').counter(),
    get_failures: place.at('Get Failures').counter(),
    remote_failures: place.at('Remote Failures').counter(),
    diff_accepted: place.any('Difficulty Accepted', 'diffa').counter(),
    diff_rejected: place.any('Difficulty Rejected', 'diffr').counter(),
    diff_stale: place.any('Difficulty Stale', 'diffs').counter(),
    difficulty: difficultyOf(place),
    last_share_at: timeBefore(collectedAtMs, ageS),
  }
  return { pool, ageS }
}

/** Exact from the last share; else the shortened text, "524K". */
function difficultyOf(place: Place): number | null {
  const exact = place.any('Last Share Difficulty', 'lsdiff').counter({ zeroIsNone: true })
  return exact ?? place.any('Diff', 'diff').counter({ zeroIsNone: true })
}

/** The pool that is alive and has had the newest share: where the machine does not say which is active, this one is. */
function newestAlive(pools: readonly AgedPool[]): PoolReading | null {
  const candidates = pools.filter(({ pool, ageS }) => pool.alive === true && ageS !== null)
  return candidates.toSorted((left, right) => (left.ageS ?? 0) - (right.ageS ?? 0))[0]?.pool ?? null
}

function isActive(pool: PoolReading, newest: PoolReading | null): boolean | null {
  if (pool.alive === false) return false
  return newest === null ? null : pool === newest
}
