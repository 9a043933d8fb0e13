import type { Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import type { Place } from '../reading/place.ts'
import { identityOf } from './identity.ts'
import { modeOf } from './mode.ts'
import { readNewStats } from './new-stats.ts'
import { readOldStats } from './old-stats.ts'
import { readPools } from './pools.ts'
import { watts } from './power.ts'
import { readSummary } from './summary.ts'

/**
 * Stock firmware of Bitmain, and of makers that took it over. Two generations: until 2022 one flat object of statistics
 * with a number in each key (`chain_rate1`), since then a list of chains (`new_api`). Both are spread over several answers,
 * on TCP 4028 and the web. `devs` is never read: it shows 0 MH/s while the machine hashes.
 */
export function readBitmain(input: AdapterInput): Reading {
  const { answers } = input
  const stats = answers.of('stats new_api', 'stats.cgi', 'stats')
  const summary = readSummary(input)
  const isNew = isNewGeneration(stats) || isNewGeneration(summary.answer)
  const { mode, isMining } = modeOf(input, stats)
  return {
    ...identityOf(input, stats),
    ...(isNew ? readNewStats(input, stats, summary) : readOldStats(input, stats, summary)),
    ...watts(input, stats),
    pools: readPools(input),
    shares: summary.shares,
    best_share: summary.bestShare,
    found_blocks: summary.foundBlocks,
    mode,
    is_mining: isMining,
    // The old generation has no list of errors: none is open, as far as it can say.
    errors: summary.errors ?? (isNew ? null : []),
  }
}

/** The new generation says its version of the API in an object of its own. */
function isNewGeneration(answer: Place): boolean {
  return answer.at('INFO').isGiven || answer.at('STATS', 0, 'chain').isList
}
