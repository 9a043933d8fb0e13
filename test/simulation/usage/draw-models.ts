import type { Entry } from '../schedule.ts'
import { SeededRandom } from '../world/seeded-random.ts'

/** Other tables of models, while work goes on. */
const MODELS = 'models'
export type ModelsTrouble = typeof MODELS

/** A stream of chance apart from all others, so that those stay the same for a seed. */
const SEED_OF_MODELS = 0x30de15

/** The versions that are put in force, and when. */
export function drawModels(seed: number, only: readonly string[] | undefined, activeMs: number): Entry[] {
  const random = new SeededRandom(seed ^ SEED_OF_MODELS)
  const isDrawn = random.chance(0.4)
  if (only === undefined ? !isDrawn : !only.includes(MODELS)) return []
  return Array.from({ length: random.int(1, 4) }, () => ({
    kind: 'models' as const,
    atMs: random.int(0, activeMs),
    behindMs: random.pick([0, 300, 4_000, 20_000]),
  }))
}
