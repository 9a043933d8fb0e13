import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOCK_EXPIRY_MS, LockUnavailable, MigrationLock } from '../../pipelines/clickhouse/migrate-lock.ts'
import type { Sql } from '../../pipelines/clickhouse/migrate-tables.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { Differences } from '../../services/verify/differences.ts'
import { bound } from '../support/oracles/named-bounds.ts'
import { VirtualClock } from '../support/memory/virtual-clock.ts'

/** The database of a lock: others hold it, or it is free, and it may refuse writes. */
function lockParts(clock: VirtualClock, holders: () => string[], write: () => Promise<void>, waitMs = 0) {
  return {
    sql: {
      rows: async () => holders().map((holder) => ({ holder })),
      command: write,
      sync: async () => {},
      cluster: '',
    } as unknown as Sql,
    holder: 'this test',
    waitMs,
    clock,
    random: { next: () => 0.5, bytes: (count: number) => Buffer.alloc(count) },
    logger: silentLogger,
    signal: new AbortController().signal,
  }
}

test('LOCK_WAIT_MS: another holder that lets go in time is followed, one that does not is named', async () => {
  const waitMs = bound('services/migrate/main.ts', 'LOCK_WAIT_MS')
  for (const [heldMs, isTaken] of [
    [waitMs, true],
    [waitMs + 1, false],
  ] as const) {
    const clock = new VirtualClock()
    const startMs = clock.monotonicMs()
    const others = () => (clock.monotonicMs() - startMs < heldMs ? ['another'] : [])
    const acquired = MigrationLock.acquire(lockParts(clock, others, async () => {}, waitMs))
    if (isTaken) await (await acquired).release()
    else {
      await assert.rejects(
        acquired,
        (error) => error instanceof LockUnavailable && error.message.includes('another'),
      )
    }
  }
})

test('LOCK_EXPIRY_MS: a lock that could not be renewed for so long is another’s', async () => {
  const clock = new VirtualClock()
  let writes = 0
  const write = async (): Promise<void> => {
    writes += 1
    if (writes > 1) throw new Error('no answer')
  }
  // Time stops except for what the test lets pass: nothing is renewed.
  clock.delay = async (_timeoutMs, signal) => {
    await new Promise<void>((resolve) => {
      signal?.addEventListener('abort', () => resolve())
    })
  }
  const lock = await MigrationLock.acquire(lockParts(clock, () => [], write))
  clock.pass(LOCK_EXPIRY_MS - 1)
  lock.assertHeld()
  clock.pass(1)
  assert.throws(() => lock.assertHeld(), LockUnavailable)
  await lock.release()
})

test('SHOWN_MAX and VALUE_LENGTH_MAX: so many differences are named, their values cut; all are counted', () => {
  const shownMax = bound('services/verify/differences.ts', 'SHOWN_MAX')
  const lengthMax = bound('services/verify/differences.ts', 'VALUE_LENGTH_MAX')
  const differences = new Differences()
  const found = 'x'.repeat(lengthMax)
  differences.compareRow('t', 'k', { whole: 'y', cut: 'y' }, { whole: found, cut: `${found}x` })
  const [whole, cut] = differences.shown
  assert.equal(whole?.found.includes(found), true)
  assert.equal(cut?.found.includes(`${found}x`), false)
  while (differences.count < shownMax) differences.extraRow('t', 'k')
  assert.equal(differences.shown.length, shownMax)
  differences.extraRow('t', 'k')
  assert.deepEqual([differences.shown.length, differences.count], [shownMax, shownMax + 1])
})
