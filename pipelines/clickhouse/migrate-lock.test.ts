import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LaggingReplicas } from '../../test/support/servers/lagging-replicas.ts'
import { SeededRandom } from '../../test/simulation/world/seeded-random.ts'
import { VirtualClock } from '../../test/support/memory/virtual-clock.ts'
import { silentLogger } from '../logger.ts'
import { MigrationLock } from './migrate-lock.ts'

const SEEDS = 200
const PAUSE_MS_MAX = 200
const HELD_MS = 1_000
const WAIT_MS = 60_000

/**
 * Three processes migrate at the same time, each with a replica of its own. Returns how many held the lock at once, and how
 * often it was held.
 */
async function threeMigrators(seed: number, syncs: boolean): Promise<{ atOnceMax: number; times: number }> {
  const clock = new VirtualClock()
  const random = new SeededRandom(seed)
  const replicas = new LaggingReplicas(random, () => clock.delay(random.next() * PAUSE_MS_MAX))
  replicas.syncs = syncs
  let held = 0
  let atOnceMax = 0
  let times = 0
  await Promise.all(
    ['a', 'b', 'c'].map(async (holder) => {
      const lock = await MigrationLock.acquire({
        sql: replicas.connect(),
        holder,
        waitMs: WAIT_MS,
        clock,
        random,
        logger: silentLogger,
        signal: new AbortController().signal,
      })
      held += 1
      times += 1
      atOnceMax = Math.max(atOnceMax, held)
      await clock.delay(HELD_MS)
      held -= 1
      await lock.release()
    }),
  )
  return { atOnceMax, times }
}

test('the lock is held by one of three whose replicas lag behind each other, and by each in its turn', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    assert.deepEqual(await threeMigrators(seed, true), { atOnceMax: 1, times: 3 }, `seed ${seed}`)
  }
})

test('without waiting for the replica before a look it is held by two', async () => {
  const ends: number[] = []
  for (let seed = 1; seed <= SEEDS; seed++) ends.push((await threeMigrators(seed, false)).atOnceMax)
  assert.ok(ends.some((atOnceMax) => atOnceMax > 1))
})
