import type { Entry, EventDraft, Settings } from '../schedule.ts'
import { PARTITIONS } from '../services.ts'
import type { SeededRandom } from '../world/seeded-random.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const NODES = 3
const OPERATORS = 2

function drawEvent(random: SeededRandom, id: number): EventDraft {
  return {
    id,
    node: id % NODES,
    agoMs: random.pick([
      random.int(-30_000, 30_000),
      random.int(0, 20 * MINUTE_MS),
      random.int(0, 20 * 24 * HOUR_MS),
    ]),
    nanoUsd: random.chance(0.3) ? 0 : random.pick([1, 29_000_000, 290_000_000, 1_000_000_000]),
    operator: random.chance(0.4) ? random.int(0, OPERATORS - 1) : null,
    source: random.pick(['own', 'hive', 'hive', 'idle']),
    tokens: random.int(0, 4_000),
    gpuMs: random.chance(0.5) ? random.int(0, 90_000) : null,
    energyMwh: random.chance(0.5) ? random.int(0, 90_000) : null,
  }
}

/** Records of events, with repeats and conflicts among them, and some records that hold no event. */
export function drawUsage(random: SeededRandom, { activeMs }: Pick<Settings, 'activeMs'>): Entry[] {
  const drawn = Array.from({ length: PARTITIONS }, () => [] as EventDraft[])
  const count = random.int(6, 24)
  let nextId = 1
  return Array.from({ length: count }, (): Entry => {
    const atMs = random.int(0, activeMs)
    const partition = random.int(0, PARTITIONS - 1)
    const gateway = random.int(0, 1)
    if (random.chance(0.04)) return { kind: 'broken', atMs, gateway, partition }
    const known = drawn[partition] as EventDraft[]
    const events = Array.from({ length: random.int(1, 5) }, () => {
      if (known.length > 0 && random.chance(0.3)) {
        const repeated = random.pick(known)
        return random.chance(0.15) ? { ...repeated, nanoUsd: repeated.nanoUsd + 7 } : repeated
      }
      const event = drawEvent(random, nextId++)
      known.push(event)
      return event
    })
    return { kind: 'usage', atMs, gateway, partition, events }
  })
}
