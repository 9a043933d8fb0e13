import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blockRecord } from '../../test/support/records/block-records.ts'
import { Loading } from '../../test/support/memory/loading.ts'
import { MemoryStore } from '../../test/support/memory/memory-store.ts'
import { VirtualClock } from '../../test/support/memory/virtual-clock.ts'
import { HaltError } from '../log/records.ts'
import type { LogRecord } from '../log/records.ts'
import { STORE_WATCH_MS, watchStore } from './watch-store.ts'

const HOUR_MS = 3_600_000

/** Four groups of two blocks, hours apart; each block has the header `after` where it is given. */
function fourGroups(after?: string): LogRecord[] {
  return Array.from({ length: 8 }, (_, index) => {
    const isLast = index % 2 === 1
    const table = isLast ? 'watermarks' : 'usage_events'
    const fields = { seq: index + 1, offset: BigInt(index + (index >> 1)), table, ends: isLast, after }
    return blockRecord({ ...fields, timestampMs: HOUR_MS * (10 + index) })
  })
}

const FOUR_GROUPS = fourGroups()

/** Each row is there once. */
function assertLoaded(store: MemoryStore, log: readonly LogRecord[]): void {
  for (const table of ['usage_events', 'watermarks']) {
    const expected = log.filter(({ headers }) => String(headers['table']) === table)
    assert.deepEqual(
      store.seqsOf(table).toSorted((left, right) => left - right),
      expected.map(({ headers }) => Number(headers['seq'])),
      table,
    )
  }
}

test('tables from an older copy are filled again from the log, from wherever the copy ends', async () => {
  for (const kept of [0, 1, 2, 3]) {
    for (const tokens of ['older', 'kept'] as const) {
      const clock = new VirtualClock()
      const store = new MemoryStore(clock)
      const loading = new Loading(clock, store)
      await loading.load(FOUR_GROUPS.slice(0, 6), 100)
      // The older copy: as many groups as are kept, with two parts each.
      store.parts.splice(kept * 2)
      if (tokens === 'older') store.tokens.splice(kept * 2)
      if (kept > 0) store.marks = { watermarkMs: FOUR_GROUPS[kept * 2 - 1]?.timestampMs ?? 0 }
      loading.restart()
      await loading.load(FOUR_GROUPS, 100)
      store.marks = {}
      assertLoaded(store, FOUR_GROUPS)
      assert.equal(loading.committed, FOUR_GROUPS.at(-1)?.offset)
      assert.equal(store.reloadThrough, kept === 3 ? 0 : 6, `${kept} kept`)
    }
  }
})

test('tables that are replaced by an older copy between two groups lose nothing', async () => {
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  const loading = new Loading(clock, store)
  loading.onCommit = () => {
    if (store.seqsOf('watermarks').length !== 3) return
    loading.onCommit = () => {}
    store.parts.splice(2)
    store.tokens.splice(2)
  }
  await loading.load(FOUR_GROUPS, 100)
  assertLoaded(store, FOUR_GROUPS)
})

test('blocks that the log no longer holds halt, until an operator says that they may be missing', async () => {
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  const loading = new Loading(clock, store)
  const left = FOUR_GROUPS.slice(4)
  const gone = (error: unknown): boolean => error instanceof HaltError && error.reason === 'blocks_gone'
  await assert.rejects(loading.load(left, 100), gone)
  loading.restart()
  store.marks = { missingThrough: 3 }
  await assert.rejects(loading.load(left, 100), gone)
  loading.restart()
  store.marks = { missingThrough: 4 }
  await loading.load(left, 100)
  assertLoaded(store, left)
})

test('a log that is older than the tables, or another one, halts before anything is loaded', async () => {
  for (const [marks, reason] of [
    [{ blocksEnd: 1_000n }, 'kafka_older'],
    [{ installationIds: ['other'] }, 'other_installation'],
    [{ position: 9, watermarkMs: 1 }, 'other_history'],
  ] as const) {
    const clock = new VirtualClock()
    const store = new MemoryStore(clock)
    const loading = new Loading(clock, store)
    await loading.load(FOUR_GROUPS.slice(0, 4), 100)
    store.marks = marks
    const { length } = store.parts
    const records = fourGroups('8/1')
    loading.restart()
    await assert.rejects(
      loading.load(records, 100),
      (error) => error instanceof HaltError && error.reason === reason,
    )
    assert.equal(store.parts.length, length)
  }
})

test('a partition that nothing comes for goes back as well, once it has been silent', async () => {
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  const loading = new Loading(clock, store)
  await loading.load(FOUR_GROUPS, 100)
  const stopping = new AbortController()
  const redelivered: bigint[] = []
  const watching = watchStore({
    loaders: () => [loading.loader],
    store,
    clock,
    signal: stopping.signal,
    redeliver: (_source, offset) => {
      redelivered.push(offset)
      stopping.abort()
    },
  })
  await clock.delay(3 * STORE_WATCH_MS)
  assert.deepEqual(redelivered, [], 'ClickHouse has what was loaded')
  store.parts.splice(2)
  store.tokens.splice(2)
  await watching
  assert.deepEqual(redelivered, [FOUR_GROUPS.at(-1)?.offset])
  await loading.load(FOUR_GROUPS, 100)
  assertLoaded(store, FOUR_GROUPS)
})
