import type { Entry } from '../schedule.ts'
import { PARTITIONS } from '../services.ts'
import { drawCommand } from './draw-commands.ts'
import type { CommandDraft } from './draw-commands.ts'
import { SeededRandom } from '../world/seeded-random.ts'

/** The name of the actor in entries. */
export const NAME = 'fleet'
/** A stream of chance apart from all others. */
const SEED_OF_FLEET = 0xf1ee7
/** Of the batches, so many are commands. */
const COMMAND_SHARE = 0.4

/** How an item's time is off from that of its sending, in the ways that rules tell apart. */
const AGES_MS = [0, 0, 0, 30_000, 2 * 3_600_000, 79 * 3_600_000, 81 * 3_600_000, -50_000, -3_600_000] as const

export interface ItemDraft {
  readonly kind: 'sample' | 'poll' | 'report' | 'refused'
  readonly machine: number
  readonly agoMs: number
}

/** What an entry of a schedule requests: to send this batch, or a heartbeat; a copy is the same batch again. */
export interface FleetSend {
  readonly provider: number
  readonly node: number
  readonly epoch: number
  readonly firstSeq: number
  /** The node holds nothing older. */
  readonly isLow: boolean
  /** None: a heartbeat. */
  readonly items: readonly ItemDraft[]
  /** In the place of a batch: a change of the provider's inventory. */
  readonly command?: CommandDraft
}

/** Batches of a few nodes: their numbers run on over gaps, and copies of them come late and out of order. */
export function drawBatches(seed: number, activeMs: number): Entry[] {
  const random = new SeededRandom(seed ^ SEED_OF_FLEET)
  const entries: Entry[] = []
  const count = random.pick([0, 5, 25])
  const next = new Map<string, number>()
  for (let made = 0; made < count; made++) {
    const partition = random.int(0, PARTITIONS - 1)
    const [provider, node, epoch] = [random.int(0, 1), random.int(0, 1), random.pick([1, 1, 1, 2])]
    const key = [partition, provider, node, epoch].join()
    const firstSeq = (next.get(key) ?? 1) + random.pick([0, 0, 0, 2])
    const items = Array.from({ length: random.pick([0, 1, 3, 8]) }, () => drawItem(random))
    next.set(key, firstSeq + items.length)
    const sent: FleetSend = { provider, node, epoch, firstSeq, isLow: random.chance(0.2), items }
    const act = random.chance(COMMAND_SHARE) ? { ...sent, command: drawCommand(random) } : sent
    for (let copies = random.pick([1, 1, 2, 3]); copies > 0; copies--) {
      const atMs = random.int(0, activeMs)
      entries.push({ kind: 'act', actor: NAME, atMs, gateway: random.int(0, 1), partition, act })
    }
  }
  return entries
}

function drawItem(random: SeededRandom): ItemDraft {
  const kind = random.pick(['sample', 'sample', 'sample', 'poll', 'report', 'refused'] as const)
  return { kind, machine: random.int(0, 3), agoMs: random.pick(AGES_MS) }
}
