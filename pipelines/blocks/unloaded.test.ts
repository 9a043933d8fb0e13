import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HaltError } from '../log/records.ts'
import { UNLOADED_AGE_MS_MAX, UNLOADED_GRACE_MS, UnloadedBlocks } from './unloaded.ts'

const START_MS = 1_700_000_000_000

/** Transactions from the first one on, as ticks make them while nothing else comes. */
function writeUntil(unloaded: UnloadedBlocks, fromMs: number, toMs: number): void {
  for (let atMs = fromMs; atMs < toMs; atMs += UNLOADED_GRACE_MS) unloaded.wrote(3, atMs)
}

const halts = (error: unknown): boolean => error instanceof HaltError && error.reason === 'unloaded_blocks'

test('a task halts when its oldest block has waited 3 days, at the millisecond', () => {
  const unloaded = new UnloadedBlocks(0, null, 0)
  writeUntil(unloaded, START_MS, START_MS + UNLOADED_AGE_MS_MAX)
  unloaded.wrote(5, START_MS + UNLOADED_AGE_MS_MAX)
  assert.equal(unloaded.oldestAt, START_MS)
  assert.throws(() => unloaded.wrote(6, START_MS + UNLOADED_AGE_MS_MAX + 1), halts)
})

test('after days in which nobody wrote, and after a restore, what waits has the time to be loaded', () => {
  const wokeMs = START_MS + 40 * UNLOADED_AGE_MS_MAX
  const slept = new UnloadedBlocks(0, null, 0)
  slept.wrote(3, START_MS)
  for (const unloaded of [slept, new UnloadedBlocks(2, START_MS, 3)]) {
    unloaded.wrote(4, wokeMs)
    unloaded.wrote(5, wokeMs + UNLOADED_GRACE_MS)
    assert.throws(() => unloaded.wrote(6, wokeMs + UNLOADED_GRACE_MS + 1), halts)
    unloaded.loaded(6)
    unloaded.wrote(7, wokeMs + UNLOADED_GRACE_MS + 2)
  }
})

test('what ClickHouse has loaded waits no longer; one that says nothing leaves all as it was', () => {
  const unloaded = new UnloadedBlocks(0, null, 0)
  unloaded.wrote(3, START_MS)
  unloaded.wrote(5, START_MS + 60_000)
  unloaded.loaded(2)
  assert.deepEqual([unloaded.loadedSeq, unloaded.oldestAt], [2, START_MS])
  unloaded.loaded(3)
  assert.deepEqual([unloaded.loadedSeq, unloaded.oldestAt], [3, START_MS + 60_000])
  unloaded.loaded(1)
  assert.deepEqual([unloaded.loadedSeq, unloaded.oldestAt], [3, START_MS + 60_000])
  unloaded.loaded(5)
  assert.equal(unloaded.oldestAt, null)
  unloaded.wrote(6, START_MS + 10 * UNLOADED_AGE_MS_MAX)
})

test('a restored task waits since when its task record says', () => {
  const unloaded = new UnloadedBlocks(7, START_MS, 20)
  assert.deepEqual([unloaded.loadedSeq, unloaded.oldestAt], [7, START_MS])
  unloaded.wrote(21, START_MS + UNLOADED_AGE_MS_MAX)
  unloaded.wrote(21, START_MS + UNLOADED_AGE_MS_MAX + UNLOADED_GRACE_MS)
  assert.throws(() => unloaded.wrote(21, START_MS + UNLOADED_AGE_MS_MAX + UNLOADED_GRACE_MS + 1), halts)
  const loaded = new UnloadedBlocks(7, START_MS, 20)
  loaded.loaded(20)
  loaded.wrote(21, START_MS + UNLOADED_AGE_MS_MAX + 1)
  assert.equal(loaded.oldestAt, START_MS + UNLOADED_AGE_MS_MAX + 1)
})

test('the oldest time is at most a minute before that of the oldest block, and never after it', () => {
  const step = fc.record({ laterMs: fc.nat(90_000), loadedShare: fc.double({ min: 0, max: 1, noNaN: true }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const unloaded = new UnloadedBlocks(0, null, 0)
      let blocks: { seq: number; atMs: number }[] = []
      let nowMs = START_MS
      for (const [index, { laterMs, loadedShare }] of steps.entries()) {
        nowMs += laterMs
        const loadedSeq = Math.floor(index * loadedShare)
        unloaded.loaded(loadedSeq)
        unloaded.wrote(index + 1, nowMs)
        blocks.push({ seq: index + 1, atMs: nowMs })
        blocks = blocks.filter(({ seq }) => seq > unloaded.loadedSeq)
        const oldestMs = blocks[0]?.atMs ?? Number.NaN
        const saidMs = unloaded.oldestAt ?? Number.NaN
        assert.ok(saidMs <= oldestMs && saidMs > oldestMs - 60_000, `${saidMs} of ${oldestMs}`)
      }
    }),
  )
})
