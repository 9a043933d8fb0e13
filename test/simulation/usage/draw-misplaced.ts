import type { Entry, PointEntry, UsageEntry } from '../schedule.ts'
import { SeededRandom } from '../world/seeded-random.ts'
import { otherPartition } from '../services.ts'

/** A sender with another partitioner, and a task that dies while it sends its records on. */
const MISPLACED = 'misplaced'
export type MisplacedTrouble = typeof MISPLACED

/** A stream of chance apart from all others, so that those stay the same for a seed. */
const SEED_OF_MISPLACED = 0xf0a4

/** Events in one record: as many as the smallest memory of ids in these runs can hold. */
const EVENTS_MAX = 5

/** The same entries, with some of their usage on the other partition: alone, or in a record with events of that one. */
export function drawMisplaced(
  seed: number,
  only: readonly string[] | undefined,
  entries: readonly Entry[],
): Entry[] {
  const random = new SeededRandom(seed ^ SEED_OF_MISPLACED)
  const isDrawn = random.chance(0.25)
  if (only === undefined ? !isDrawn : !only.includes(MISPLACED)) return [...entries]
  const share = random.pick([0.2, 0.6, 1])
  const usage = entries.filter((entry): entry is UsageEntry => entry.kind === 'usage')
  const drawn: Entry[] = []
  for (const entry of entries) {
    if (entry.kind !== 'usage' || !random.chance(share)) {
      drawn.push(entry)
      continue
    }
    const partition = otherPartition(entry.partition)
    const there = usage.filter((other) => other.partition === partition)
    const isMixed = there.length > 0 && random.chance(0.4)
    const events = isMixed ? random.pick(there).events.slice(0, EVENTS_MAX - entry.events.length) : []
    drawn.push({ ...entry, partition, events, strays: entry.events })
    if (random.chance(0.3)) drawn.push(crash(random, entry.atMs))
  }
  return drawn
}

/** Between the forwarding and the commit, or just after it. */
function crash(random: SeededRandom, atMs: number): PointEntry {
  return {
    kind: 'point',
    atMs,
    service: 'aggregator',
    point: random.pick(['after_send', 'during_commit', 'after_commit']),
    what: random.pick(['kill', 'kill', 'freeze']),
    forMs: random.pick([200, 6_000, 14_000]),
  }
}
