import type { PoolReading } from '../../reading.ts'
import { timeBefore } from './clocks.ts'
import type { Place } from './place.ts'

/** What the answers of every firmware that descends from cgminer have in common. */

/**
 * The clock that an answer shows, in seconds; null where it shows none. It counts from 1970, or, on machines without a
 * clock, from their start.
 */
export function clockS(answer: Place): number | null {
  const status = answer.at('STATUS')
  const inStatus = status.isList ? status.at(0) : status
  return inStatus.at('When').number() ?? answer.any('When', 'when').number()
}

/** The pools of the answer to `pools`; null where it has no list. Some makers count them from 1. */
export function cgminerPools(answer: Place, collectedAtMs: number): PoolReading[] | null {
  const list = answer.at('POOLS')
  if (!list.isList) return null
  const numbers = list.items().map((pool) => pool.at('POOL').count())
  const first = numbers.reduce((least: number, number) => Math.min(least, number ?? least), 1)
  const now = clockS(answer)
  return list.items().map((pool, at) => poolOf(pool, (numbers[at] ?? at + first) - first, now, collectedAtMs))
}

function poolOf(pool: Place, index: number, now: number | null, collectedAtMs: number): PoolReading {
  const status = pool.at('Status').word()
  const accepted = pool.at('Accepted').counter()
  return {
    index,
    url: pool.at('URL').poolUrl(),
    user: pool.at('User').text(),
    priority: pool.at('Priority').count(),
    active: pool.at('Stratum Active').flag(),
    alive: status === '' ? null : status === 'alive',
    accepted,
    rejected: pool.at('Rejected').counter(),
    stale: pool.at('Stale').counter(),
    discarded: pool.at('Discarded').counter(),
    get_failures: pool.at('Get Failures').counter(),
    remote_failures: pool.at('Remote Failures').counter(),
    diff_accepted: pool.at('Difficulty Accepted').counter(),
    diff_rejected: pool.at('Difficulty Rejected').counter(),
    diff_stale: pool.at('Difficulty Stale').counter(),
    difficulty: difficultyOf(pool),
    // A pool without shares may show how long it has been there.
    last_share_at:
      accepted === 0 ? null : timeBefore(collectedAtMs, shareAgeS(pool.at('Last Share Time'), now)),
  }
}

/** What the pool asks for now; a pool without a connection shows 0. */
function difficultyOf(pool: Place): number | null {
  const asked = pool.any('Stratum Difficulty', 'Work Difficulty').counter({ zeroIsNone: true })
  return asked ?? pool.at('Last Share Difficulty').counter({ zeroIsNone: true })
}

/** Either a duration in a text, or a time by the same clock as the answer's, whatever that one counts from. */
function shareAgeS(last: Place, now: number | null): number | null {
  if (last.word().includes(':')) return last.seconds()
  const at = last.number()
  return at === null || now === null || at <= 0 || at > now ? null : now - at
}
