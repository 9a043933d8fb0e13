import { TASK_SERVICES } from '../../schemas/services.ts'
import type { CommandEntry, Entry, HeartbeatEntry, UndecidableEntry, UsageEntry } from './schedule.ts'
import { SeededRandom } from './world/seeded-random.ts'
import { PARTITIONS } from './services.ts'

/** Decisions that fail, and commits that fail again and again at one position. */
const UNDECIDED = 'undecided'
export type UndecidedTrouble = typeof UNDECIDED

/** A stream of chance apart from all others, so that those stay the same for a seed. */
const SEED_OF_UNDECIDED = 0xdec1

/** Each copy of an event costs its partition about 15 s: so there are few, or the run would not end. */
const EVENTS_MAX = 2

/** Too few failures to blame a record. */
const MOMENTARY_MAX = 2
const COMMITS_MAX = 5

/**
 * Items that can never be decided, and decisions that fail for a moment: at most one of the latter per task, so that two
 * do not add up.
 */
export function drawUndecided(
  seed: number,
  only: readonly string[] | undefined,
  activeMs: number,
  entries: readonly Entry[],
): Entry[] {
  const random = new SeededRandom(seed ^ SEED_OF_UNDECIDED)
  const isDrawn = random.chance(0.2)
  if (only === undefined ? !isDrawn : !only.includes(UNDECIDED)) return []
  const drawn: Entry[] = []
  const usage = entries.filter((entry): entry is UsageEntry => entry.kind === 'usage')
  const count = random.int(0, EVENTS_MAX)
  for (let index = 0; index < count && usage.length > 0; index++) {
    const { partition, events } = random.pick(usage)
    const { id, node } = random.pick(events)
    drawn.push({ kind: 'undecidable', atMs: 0, of: 'event', partition, node, id })
  }
  for (const kind of ['command', 'heartbeat'] as const) {
    const requests = entries.filter((entry): entry is CommandEntry | HeartbeatEntry => entry.kind === kind)
    if (requests.length > 0 && random.chance(0.5)) drawn.push(undecidable(random.pick(requests)))
  }
  for (const service of TASK_SERVICES) {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const atMs = random.int(0, activeMs)
      const times = random.int(1, MOMENTARY_MAX)
      if (random.chance(0.3)) drawn.push({ kind: 'decide-fails', atMs, service, partition, times })
      const isDone = random.chance(0.2)
      const commits = random.int(1, COMMITS_MAX)
      if (random.chance(0.5)) {
        drawn.push({ kind: 'commit-fails', atMs, service, partition, times: commits, isDone })
      }
    }
  }
  return drawn
}

function undecidable(entry: CommandEntry | HeartbeatEntry): UndecidableEntry {
  const { partition, node, kind } = entry
  const { id } = entry.kind === 'command' ? entry.command : entry.heartbeat
  return { kind: 'undecidable', atMs: 0, of: kind, partition, node, id }
}
