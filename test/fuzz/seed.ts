import type { TestContext } from 'node:test'

const SEED_DEFAULT = 17

/** The seed of this run: the same records each time, others with FUZZ_SEED=…; said, so that what fails comes again. */
export function fuzzSeed(t: TestContext): number {
  const seed = Number(process.env['FUZZ_SEED'] ?? SEED_DEFAULT)
  t.diagnostic(`seed ${seed}; another: FUZZ_SEED=${seed + 1}`)
  return seed
}
