import type { FateEnd } from './world/fate.ts'
import type { Entry, FaultEntry, Settings } from './schedule.ts'
import { SeededRandom } from './world/seeded-random.ts'

/** Troubles of the cluster, as distinct from those of processes. */
const CLUSTER_TROUBLES = ['broker', 'move', 'answer'] as const
export type ClusterTrouble = (typeof CLUSTER_TROUBLES)[number]

/** A stream of chance apart from that of usage and trouble, so that those stay the same for a seed. */
const SEED_OF_CLUSTER = 0xb70c

const ENDS_OF_SENDS: readonly FateEnd[] = ['left-out', 'retriable', 'doubtful', 'unanswered', 'late']
/** Done and not answered, or neither: one after the other shows what a fence is good for. */
const ENDS_OF_COMMITS: readonly FateEnd[] = ['unanswered', 'lost']

/** The cluster of a seed, and what happens to it. */
export class ClusterDraw {
  readonly settings: Pick<Settings, 'brokers' | 'replicaMs' | 'newsMs'>
  readonly #random: SeededRandom

  constructor(seed: number) {
    const random = new SeededRandom(seed ^ SEED_OF_CLUSTER)
    this.#random = random
    const brokers = random.pick([1, 3, 3])
    const replicaMs = random.pick([0, 10, 400])
    this.settings = { brokers, replicaMs: brokers === 1 ? 0 : replicaMs, newsMs: random.pick([0, 50, 1_500]) }
  }

  /** `only`: only these kinds of trouble; some of all kinds where it is not given. */
  entries(only: readonly string[] | undefined, activeMs: number, usage: readonly Entry[]): Entry[] {
    const random = this.#random
    const some = CLUSTER_TROUBLES.filter(() => random.chance(0.55))
    const troubles = only === undefined ? some : CLUSTER_TROUBLES.filter((trouble) => only.includes(trouble))
    const count = troubles.length === 0 ? 0 : random.pick([2, 6, 20])
    return Array.from({ length: count }, () => {
      const isNear = random.chance(0.6)
      const atMs = isNear ? random.pick(usage).atMs + random.skewed(3_000) : random.int(0, activeMs)
      return this.#draw(random.pick(troubles), atMs)
    })
  }

  #draw(trouble: ClusterTrouble, atMs: number): Entry {
    const random = this.#random
    switch (trouble) {
      case 'broker':
        return {
          kind: 'broker',
          atMs,
          broker: random.int(1, this.settings.brokers),
          what: random.pick(['stop', 'kill', 'hang', 'cut']),
          forMs: random.pick([300, 3_000, 12_000, 25_000]),
          failoverMs: random.pick([500, 4_000, 9_000]),
        }
      case 'move':
        return { kind: 'move', atMs, from: random.int(0, 99), count: random.pick([1, 2, 5, 100]) }
      default:
        return this.#drawAnswer(atMs)
    }
  }

  #drawAnswer(atMs: number): FaultEntry {
    const random = this.#random
    const service = random.pick(['aggregator', 'aggregator', 'settler', 'gateway'] as const)
    const request =
      service === 'gateway' ? 'append' : random.pick(['produce', 'produce', 'append', 'end'] as const)
    return {
      kind: 'fault',
      atMs,
      service,
      request,
      end: random.pick(request === 'end' ? ENDS_OF_COMMITS : ENDS_OF_SENDS),
      holdMs: random.skewed(8_000),
      isCut: random.chance(0.5),
    }
  }
}
