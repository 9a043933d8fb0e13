import type { Place } from '../reading/place.ts'

/** The object with the statistics: the first entry of `STATS` names the firmware in the old generation. */
export function statsBody(stats: Place): Place {
  const entries = stats.at('STATS').items()
  return (
    entries.find((entry) => entry.at('Elapsed').isGiven || entry.at('elapsed').isGiven) ??
    lastOf(entries, stats)
  )
}

function lastOf(entries: readonly Place[], stats: Place): Place {
  return entries.at(-1) ?? stats.at('STATS', 0)
}

/** What names model and firmware: the first entry in the old generation, `INFO` in the new one. */
export function statsHead(stats: Place): Place {
  const info = stats.at('INFO')
  return info.isGiven ? info : stats.at('STATS', 0)
}
