import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { BUCKET_IDS, BUCKET_MS, ID_AGE_MS_MAX, IdMemory } from './id-memory.ts'

const START_MS = 1_700_000_000_000 - (1_700_000_000_000 % BUCKET_MS)

/** An entry that is spread over the table as hashes are. */
function entryOf(id: number, content = 0): Int32Array {
  return Int32Array.of(Math.imul(id + 1, 0x9e3779b1), id, 0, 0, content, 0)
}

/** One record of usage.ids as the model sees it. */
interface AcceptedRecord {
  readonly ids: readonly number[]
  readonly acceptedAtMs: number
  readonly newestOccurredAt: number
  readonly lastSeq: number
  readonly offset: bigint
}

/** Buckets by the rule in the design, in plain lists: closed at 65,536 ids or with the hour of log time. */
class MemoryModel {
  buckets: AcceptedRecord[][] = []
  #open: AcceptedRecord[] = []

  accept(record: AcceptedRecord): void {
    if (this.#open.length === 0) this.buckets.push(this.#open)
    this.#open.push(record)
    const hour = (atMs: number): number => Math.floor(atMs / BUCKET_MS)
    const ids = this.#open.reduce((sum, { ids }) => sum + ids.length, 0)
    const [first = record] = this.#open
    if (ids >= BUCKET_IDS || hour(first.acceptedAtMs) !== hour(record.acceptedAtMs)) this.#open = []
  }

  /** The buckets that may leave: oldest first, loaded, and too old or in the way of new ids. */
  evict(nowMs: number, loadedSeq: number, room: number, max: number): AcceptedRecord[] {
    const gone: AcceptedRecord[] = []
    for (;;) {
      const [oldest] = this.buckets
      if (oldest === undefined) return gone
      const tooOld = nowMs - (oldest[0]?.acceptedAtMs ?? 0) > ID_AGE_MS_MAX + BUCKET_MS
      const isLoaded = oldest.every(({ lastSeq }) => lastSeq <= loadedSeq)
      if (!(tooOld || this.held.length + room > max) || !isLoaded) return gone
      gone.push(...oldest)
      this.buckets.shift()
      if (oldest === this.#open) this.#open = []
    }
  }

  get held(): number[] {
    return this.buckets.flat().flatMap(({ ids }) => ids)
  }
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('accept' as const),
      ids: fc.array(fc.nat(60), { maxLength: 8 }),
      laterMs: fc.constantFrom(0, 1, BUCKET_MS / 2, BUCKET_MS, 30 * BUCKET_MS),
      occurredAt: fc.nat(1_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('evict' as const),
      loadedShare: fc.double({ min: 0, max: 1.2, noNaN: true }),
      room: fc.nat(10),
      laterMs: fc.constantFrom(0, BUCKET_MS, ID_AGE_MS_MAX),
    }),
  },
)

test('memory equals plain lists over any sequence of accepting and evicting', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const max = 40
      const pool = { held: 0, max }
      const memory = new IdMemory(pool)
      const model = new MemoryModel()
      let nowMs = START_MS
      let seq = 0
      for (const [index, one] of steps.entries()) {
        nowMs += one.laterMs
        if (one.do === 'accept') {
          const held = new Set(model.held)
          const ids = [...new Set(one.ids)].filter((id) => !held.has(id))
          for (const id of one.ids) {
            assert.equal(memory.find(entryOf(id)), held.has(id) ? 'repeat' : 'new')
            assert.equal(memory.find(entryOf(id, 1)), held.has(id) ? 'conflict' : 'new')
            assert.equal(memory.add(entryOf(id)), held.has(id) ? 'repeat' : 'new')
            held.add(id)
          }
          if (ids.length === 0) continue
          const record = {
            ids,
            acceptedAtMs: nowMs,
            newestOccurredAt: one.occurredAt,
            lastSeq: ++seq,
            offset: BigInt(index),
          }
          memory.endRecord(record)
          model.accept(record)
        } else {
          const loadedSeq = Math.floor(seq * one.loadedShare)
          const gone = model.evict(nowMs, loadedSeq, one.room, max)
          const expected =
            gone.length === 0
              ? null
              : {
                  ids: gone.reduce((sum, { ids }) => sum + ids.length, 0),
                  newestOccurredAt: Math.max(...gone.map(({ newestOccurredAt }) => newestOccurredAt)),
                  lastSeq: Math.max(...gone.map(({ lastSeq }) => lastSeq)),
                }
          assert.deepEqual(memory.evict(nowMs, loadedSeq, one.room), expected)
          for (const id of gone.flatMap(({ ids }) => ids)) assert.equal(memory.find(entryOf(id)), 'new')
          assert.equal(memory.isFull(one.room), model.held.length + one.room > max)
        }
        assert.equal(memory.size, model.held.length)
        assert.equal(pool.held, model.held.length)
        assert.equal(memory.oldestOffset, model.buckets[0]?.[0]?.offset ?? null)
        for (const id of model.held) assert.equal(memory.find(entryOf(id)), 'repeat')
      }
      memory.release()
      memory.release()
      assert.equal(pool.held, 0)
    }),
    { numRuns: 300 },
  )
})

test('a bucket closes at 65,536 ids and not before', () => {
  for (const count of [BUCKET_IDS - 1, BUCKET_IDS]) {
    const memory = new IdMemory({ held: 0, max: 1 })
    for (let id = 0; id < count; id++) memory.add(entryOf(id))
    memory.endRecord({ acceptedAtMs: START_MS, newestOccurredAt: 5, lastSeq: 1, offset: 0n })
    memory.add(entryOf(count))
    memory.endRecord({ acceptedAtMs: START_MS, newestOccurredAt: 6, lastSeq: 2, offset: 1n })
    const closed = { ids: BUCKET_IDS, newestOccurredAt: 5, lastSeq: 1 }
    // Only the rows of the first record are loaded: where the second is in the same bucket, nothing leaves.
    assert.deepEqual(memory.evict(START_MS, 1, 0), count === BUCKET_IDS ? closed : null)
    assert.equal(memory.oldestOffset, count === BUCKET_IDS ? 1n : 0n)
  }
})

test('ids that stand in no committed record never leave', () => {
  const memory = new IdMemory({ held: 0, max: 0 })
  const record = { acceptedAtMs: START_MS, newestOccurredAt: 1, lastSeq: 1, offset: null }
  memory.add(entryOf(1))
  assert.equal(memory.evict(START_MS, 9, 1), null)
  memory.endRecord(record)
  assert.equal(memory.evict(START_MS, 9, 1), null)
  memory.acknowledged(4n)
  memory.add(entryOf(2))
  assert.equal(memory.evict(START_MS, 9, 1), null)
  memory.endRecord(record)
  assert.deepEqual(memory.evict(START_MS, 9, 1), { ids: 2, newestOccurredAt: 1, lastSeq: 1 })
})

test('ids leave by age 3 days after the hour of their bucket, at the millisecond', () => {
  const pool = { held: 0, max: 1_000 }
  const memory = new IdMemory(pool)
  memory.add(entryOf(1))
  memory.endRecord({ acceptedAtMs: START_MS, newestOccurredAt: 1, lastSeq: 1, offset: 0n })
  memory.add(entryOf(2))
  memory.endRecord({ acceptedAtMs: START_MS + BUCKET_MS, newestOccurredAt: 2, lastSeq: 2, offset: 1n })
  const leavesMs = START_MS + ID_AGE_MS_MAX + BUCKET_MS
  assert.equal(memory.evict(leavesMs, 9, 0), null)
  assert.deepEqual(memory.evict(leavesMs + 1, 9, 0), { ids: 2, newestOccurredAt: 2, lastSeq: 2 })
  assert.equal(pool.held, 0)
  assert.equal(memory.oldestOffset, null)
})

test('the tasks of a process share one bound', () => {
  const pool = { held: 0, max: 3 }
  const [one, other] = [new IdMemory(pool), new IdMemory(pool)]
  one.add(entryOf(1))
  other.add(entryOf(1))
  other.add(entryOf(2))
  assert.equal(one.isFull(0), false)
  assert.equal(one.isFull(1), true)
  other.release()
  assert.equal(pool.held, 1)
  assert.equal(one.isFull(1), false)
})

test('a bucket whose first commit is not acknowledged has no offset until it is', () => {
  const memory = new IdMemory({ held: 0, max: 10 })
  memory.add(entryOf(1))
  const record = { acceptedAtMs: START_MS, newestOccurredAt: 1, lastSeq: 1, offset: null }
  memory.endRecord(record)
  assert.equal(memory.oldestOffset, null)
  memory.acknowledged(70n)
  assert.equal(memory.oldestOffset, 70n)
  memory.add(entryOf(2))
  memory.endRecord({ ...record, lastSeq: 2 })
  memory.acknowledged(80n)
  assert.equal(memory.oldestOffset, 70n)
})
