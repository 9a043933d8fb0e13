import type { Entry, Schedule, Settings } from './schedule.ts'

/** Milder settings to try, one after the other. */
const MILDER: readonly Partial<Settings>[] = [
  { skewMs: 0 },
  { markerMs: 2 },
  { latencyMs: 5 },
  { fetchMax: 60 },
  { idsMax: 1_000_000 },
]

/**
 * Returns a smaller schedule that still fails: entries are dropped in ever smaller pieces while it fails, then events of
 * what is left, then settings are made milder. `fails` runs a schedule; it is called at most `runsMax` times.
 */
export async function shrink(
  schedule: Schedule,
  fails: (schedule: Schedule) => Promise<boolean>,
  runsMax: number,
): Promise<Schedule> {
  let runs = 0
  let smallest = schedule
  const isSmaller = async (candidate: Schedule): Promise<boolean> => {
    if (runs++ >= runsMax || !(await fails(candidate))) return false
    smallest = candidate
    return true
  }
  const pieces = [2, 4, 8, 16, 32].map((parts) => Math.ceil(schedule.entries.length / parts))
  for (const piece of new Set([...pieces, 1])) {
    for (let at = 0; at < smallest.entries.length; ) {
      const entries = smallest.entries.toSpliced(at, piece)
      if (!(await isSmaller({ ...smallest, entries }))) at += piece
    }
  }
  for (let at = 0; at < smallest.entries.length; at++) {
    for (let event = 0; ; ) {
      const entry = smallest.entries[at] as Entry
      if (entry.kind !== 'usage' || event >= entry.events.length || entry.events.length === 1) break
      const fewer = { ...entry, events: entry.events.toSpliced(event, 1) }
      if (!(await isSmaller({ ...smallest, entries: smallest.entries.with(at, fewer) }))) event++
    }
  }
  for (const milder of MILDER) {
    await isSmaller({ ...smallest, settings: { ...smallest.settings, ...milder } })
  }
  return smallest
}
