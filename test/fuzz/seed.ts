import type { TestContext } from 'node:test'

const SEED_DEFAULT = 17

/**
 * The seed of this run: it makes the same records each time, and others with FUZZ_SEED=…. It is printed, so that a
 * failure can be repeated.
 */
export function fuzzSeed(t: TestContext): number {
  const seed = Number(process.env['FUZZ_SEED'] ?? SEED_DEFAULT)
  t.diagnostic(`seed ${seed}; another: FUZZ_SEED=${seed + 1}`)
  return seed
}
