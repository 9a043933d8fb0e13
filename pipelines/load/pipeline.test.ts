import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { blockRecord } from '../../test/support/records/block-records.ts'
import { Loading } from '../../test/support/memory/loading.ts'
import { MemoryStore } from '../../test/support/memory/memory-store.ts'
import type { StoreFault } from '../../test/support/memory/memory-store.ts'
import { VirtualClock } from '../../test/support/memory/virtual-clock.ts'
import { tickCodec } from '../../schemas/avro.ts'
import { HaltError } from '../log/records.ts'
import type { LogRecord } from '../log/records.ts'
import { isTick } from './group.ts'
import { BLOCK_HEADER } from '../../schemas/tables.ts'
import type { BlockStore } from './store.ts'

const TABLES = [
  'usage_events/202601',
  'usage_events/202602',
  'usage_1m/202601',
  'dead_letters/202601',
] as const

/** The tick that a fence leaves among the blocks. */
const fenceTick = (offset: bigint): LogRecord => ({
  partition: 0,
  offset,
  timestampMs: 0,
  key: null,
  value: tickCodec.encode({ written_by: 'next' }),
  headers: {},
})

interface Transaction {
  readonly tables: readonly number[]
  readonly begins: boolean
  readonly ends: boolean
  readonly gap: number
}

/** The log of a task: each transaction some blocks and its row of watermarks; the last one ends a group. */
function logOf(transactions: readonly Transaction[]): LogRecord[] {
  const records: LogRecord[] = []
  let offset = 0n
  let seq = 0
  for (const [number, { tables, begins, ends, gap }] of transactions.entries()) {
    const places = [...tables.map((table) => TABLES[table % TABLES.length] ?? ''), 'watermarks/']
    for (const [index, place] of places.entries()) {
      const [table = '', month = ''] = place.split('/')
      const isLast = index === places.length - 1
      records.push(
        blockRecord({
          seq: ++seq,
          offset: offset++,
          table,
          month,
          begins: begins && index === 0,
          ends: isLast && (ends || number === transactions.length - 1),
        }),
      )
    }
    if (gap > 0) records.push(fenceTick(offset))
    offset += BigInt(gap + 1)
  }
  return records
}

const log = fc
  .array(
    fc.record({
      tables: fc.array(fc.nat(3), { maxLength: 4 }),
      begins: fc.boolean(),
      ends: fc.boolean(),
      gap: fc.nat(1),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map(logOf)

const fault = fc.oneof(
  { weight: 5, arbitrary: fc.constant<StoreFault>('ok') },
  { weight: 4, arbitrary: fc.constantFrom<StoreFault>('away', 'landed', 'late', 'phantom', 'zombie') },
)
const heartbeat = fc.constantFrom(
  'ok' as const,
  'ok' as const,
  'ok' as const,
  'rebalance' as const,
  'unanswered' as const,
  'old' as const,
)

const seqOf = (record: LogRecord): number => Number(record.headers['seq'])
const tableOf = (record: LogRecord): string => String(record.headers['table'])

/** Each row is there once, and each table's parts were made in the order of the log. */
function assertLoaded(store: MemoryStore, log: readonly LogRecord[]): void {
  const records = log.filter((record) => !isTick(record))
  for (const table of new Set(records.map(tableOf))) {
    const expected = records.filter((record) => tableOf(record) === table).map(seqOf)
    assert.deepEqual(
      store.seqsOf(table).toSorted((left, right) => left - right),
      expected,
      table,
    )
  }
  for (const place of TABLES) {
    const [table, month] = place.split('/')
    const seqs = store.parts
      .filter((part) => part.table === table && part.month === month)
      .flatMap(({ seqs }) => seqs)
    assert.deepEqual(
      seqs,
      seqs.toSorted((left, right) => left - right),
      place,
    )
  }
  assert.deepEqual(store.faults, [], 'every fault was met')
}

/** Fails as soon as `watermarks` claims more than what is there. */
function watchWatermarks(store: MemoryStore, records: readonly LogRecord[]): void {
  const push = store.parts.push.bind(store.parts)
  store.parts.push = (...parts) => {
    const length = push(...parts)
    const loaded = Math.max(0, ...store.seqsOf('watermarks'))
    const there = new Set(store.parts.flatMap(({ seqs }) => seqs))
    for (const record of records) {
      if (seqOf(record) <= loaded) assert.ok(there.has(seqOf(record)), `${seqOf(record)} of ${loaded}`)
    }
    return length
  }
}

test('each row stands once, whatever goes wrong at any step, and whoever loads it', async () => {
  const run = fc.record({
    records: log,
    // Phantoms end with the faults; the bound of phantoms in a row has a test of its own.
    faults: fc.array(fault, { maxLength: 24 }),
    heartbeats: fc.array(heartbeat, { maxLength: 20 }),
    fetchMax: fc.integer({ min: 1, max: 12 }),
    restartAfter: fc.array(fc.nat(10), { maxLength: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(run, async ({ records, faults, heartbeats, fetchMax, restartAfter }) => {
      const clock = new VirtualClock()
      const store = new MemoryStore(clock, faults)
      watchWatermarks(store, records)
      const loading = new Loading(clock, store, heartbeats)
      loading.onCommit = (offset) => {
        const there = new Set(store.parts.flatMap(({ seqs }) => seqs))
        for (const record of records) {
          if (record.offset < offset && !isTick(record)) assert.ok(there.has(seqOf(record)))
        }
      }
      for (const upTo of restartAfter) {
        await loading.load(records.slice(0, upTo), fetchMax)
        loading.restart()
      }
      await loading.load(records, fetchMax)
      const lastBlock = records.findLast((record) => !isTick(record))
      assert.equal(loading.committed, lastBlock?.offset ?? 0n)
      // The remaining faults occur while everything is loaded again, from the beginning.
      while (store.faults.length > 0) {
        loading.committed = 0n
        loading.restart()
        await loading.load(records, fetchMax)
        if (store.faults.length > 0) store.faults.shift()
      }
      assertLoaded(store, records)
    }),
    { numRuns: 400 },
  )
})

/** The store over a slow line: each call waits for `wait` before it arrives. */
function slowly(store: BlockStore, wait: () => Promise<void>): BlockStore {
  return {
    loadedSeq: async (...args) => {
      await wait()
      return await store.loadedSeq(...args)
    },
    mark: async (...args) => {
      await wait()
      return await store.mark(...args)
    },
    noteReload: async (...args) => {
      await wait()
      await store.noteReload(...args)
    },
    holds: async (...args) => {
      await wait()
      return await store.holds(...args)
    },
    insert: async (...args) => {
      await wait()
      await store.insert(...args)
    },
  }
}

test('two loaders that both believe to have the partition make one copy', async () => {
  // There are no phantoms here: that no other loader can have tried a token is what the fence of the next test is for.
  const faults = fc.array(fc.constantFrom<StoreFault>('ok', 'ok', 'away', 'landed', 'late'), {
    maxLength: 10,
  })
  const waits = fc.array(fc.nat(3_000), { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(log, faults, waits, fc.nat(7_900), async (records, faults, waits, laterMs) => {
      const clock = new VirtualClock()
      const store = new MemoryStore(clock, faults)
      store.laterMs = laterMs
      watchWatermarks(store, records)
      let calls = 0
      const shared = slowly(store, () => clock.delay(waits[calls++ % waits.length] ?? 0))
      const owner = new Loading(clock, shared)
      const zombie = new Loading(clock, shared)
      await Promise.all([owner.load(records, 5), zombie.load(records, 3)])
      store.faults.length = 0
      assertLoaded(store, records)
    }),
    { numRuns: 150 },
  )
})

test('a loader that was frozen between its heartbeat and its INSERT, and its successor, make one copy', async () => {
  const faults = fc.array(
    fc.constantFrom<StoreFault>('ok', 'ok', 'ok', 'away', 'landed', 'late', 'phantom'),
    { maxLength: 30 },
  )
  const run = fc.record({
    records: log,
    faults,
    laterMs: fc.nat(7_900),
    waits: fc.array(fc.nat(3_000), { minLength: 1, maxLength: 12 }),
    frozenAtCall: fc.nat(40),
    frozenMs: fc.nat(40_000),
  })
  await fc.assert(
    fc.asyncProperty(run, async ({ records, faults, laterMs, waits, frozenAtCall, frozenMs }) => {
      const clock = new VirtualClock()
      const store = new MemoryStore(clock, faults)
      store.laterMs = laterMs
      watchWatermarks(store, records)
      let waited = 0
      const wait = async (): Promise<void> => await clock.delay(waits[waited++ % waits.length] ?? 0)
      const successor = new Loading(clock, slowly(store, wait))
      let succeeding: Promise<void> | undefined
      let calls = 0
      const zombie = new Loading(
        clock,
        slowly(store, async () => {
          if (calls++ !== frozenAtCall) return await wait()
          // The INSERT that it was about to send arrives when it thaws; until then another loads from its last commit.
          zombie.isPutOut = true
          successor.committed = zombie.committed
          succeeding = successor.load(records, 5)
          await clock.delay(frozenMs)
        }),
      )
      await zombie.load(records, 3)
      await succeeding
      store.faults.length = 0
      assertLoaded(store, records)
    }),
    { numRuns: 300 },
  )
})

const ONE_GROUP = logOf([{ tables: [0, 2], begins: true, ends: true, gap: 0 }])

test('without a fault each INSERT is sent once', async () => {
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  const records = logOf(
    Array.from({ length: 5 }, () => ({ tables: [0, 0, 1], begins: false, ends: true, gap: 0 })),
  )
  await new Loading(clock, store).load(records, 100)
  assertLoaded(store, records)
  assert.deepEqual(store.tokens.slice(0, 3), [
    'usage_events usage.blocks/0/usage_events/202601/1',
    'usage_events usage.blocks/0/usage_events/202602/3',
    'watermarks usage.blocks/0/watermarks//4',
  ])
  assert.equal(store.parts.length, 15)
})

test('a phantom token is followed by -r1, and that by -r2', async () => {
  const clock = new VirtualClock()
  // The answers are for: what is loaded, twice; a look for the first table; its INSERT; then the same again twice.
  const store = new MemoryStore(clock, ['ok', 'ok', 'ok', 'phantom'])
  const loading = new Loading(clock, store)
  store.tokens.push('usage_events usage.blocks/0/usage_events/202601/1-r1')
  const startMs = clock.monotonicMs()
  await loading.load(ONE_GROUP, 100)
  assertLoaded(store, ONE_GROUP)
  assert.ok(store.tokens.includes('usage_events usage.blocks/0/usage_events/202601/1-r2'))
  // Twice the full limit of the server passed before the next token was tried.
  assert.ok(clock.monotonicMs() - startMs >= 16_000)
})

test('where token and rows are one commit no other token is ever tried: what is acknowledged and not there halts', async () => {
  const clock = new VirtualClock()
  const memory = new MemoryStore(clock, ['ok', 'ok', 'ok', 'phantom'])
  const store: BlockStore & MemoryStore = Object.assign(memory, { atomicTokens: true })
  const startMs = clock.monotonicMs()
  await assert.rejects(
    new Loading(clock, store).load(ONE_GROUP, 100),
    (error) => error instanceof HaltError && error.reason === 'phantom_tokens',
  )
  assert.deepEqual(store.tokens, ['usage_events usage.blocks/0/usage_events/202601/1'])
  assert.ok(clock.monotonicMs() - startMs >= 8_000, 'an INSERT under way before could have landed until then')
})

test('a loader that ends leaves after the group under way, however many the fetch holds', async () => {
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  const records = logOf(Array.from({ length: 5 }, () => ({ tables: [0], begins: false, ends: true, gap: 0 })))
  const loading = new Loading(clock, store)
  loading.end()
  await loading.load(records, 100)
  const end = records.find((record) => record.headers[BLOCK_HEADER.groupEnds] !== undefined)
  assert.equal(loading.committed, end?.offset, 'one group is loaded')
  // The next process continues from there.
  loading.restart()
  await loading.load(records, 100)
  assertLoaded(store, records)
})

test('an unknown outcome after any number of plain ones is looked up', async () => {
  const records = logOf(Array.from({ length: 4 }, () => ({ tables: [0], begins: false, ends: true, gap: 0 })))
  for (const fault of ['away', 'landed', 'late', 'phantom', 'zombie'] as const) {
    // For the first group: what is loaded, twice, then a look, an INSERT and a look for each of its two tables. For each of
    // the others: what is loaded, then its two INSERTs.
    for (const plain of [9, 10, 12, 13]) {
      const clock = new VirtualClock()
      const store = new MemoryStore(clock, [...Array.from({ length: plain }, () => 'ok' as const), fault])
      await new Loading(clock, store).load(records, 100)
      assertLoaded(store, records)
    }
  }
})

test('a store that keeps acknowledging what is not there halts the partition', async () => {
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  for (const suffix of ['', '-r1', '-r2', '-r3', '-r4', '-r5']) {
    store.tokens.push(`usage_events usage.blocks/0/usage_events/202601/1${suffix}`)
  }
  await assert.rejects(
    new Loading(clock, store).load(ONE_GROUP, 100),
    (error) => error instanceof HaltError && error.reason === 'phantom_tokens',
  )
})

test('a block that ClickHouse refuses halts its partition and is never skipped', async () => {
  const clock = new VirtualClock()
  const store = new MemoryStore(clock, ['ok', 'ok', 'ok', 'refused'])
  const loading = new Loading(clock, store)
  await assert.rejects(
    loading.load(ONE_GROUP, 100),
    (error) => error instanceof HaltError && error.reason === 'block_refused',
  )
  assert.equal(loading.committed, 0n)
  assert.deepEqual(store.parts, [])
  loading.restart()
  await loading.load(ONE_GROUP, 100)
  assertLoaded(store, ONE_GROUP)
})

test('a group that is loaded is committed without an INSERT', async () => {
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  const loading = new Loading(clock, store)
  await loading.load(ONE_GROUP, 100)
  const { length } = store.tokens
  loading.committed = 0n
  loading.restart()
  await loading.load(ONE_GROUP, 100)
  assert.equal(store.tokens.length, length)
  assert.equal(loading.committed, 2n)
})

test('an open group is not loaded before its end', async () => {
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  const loading = new Loading(clock, store)
  await loading.load(ONE_GROUP.slice(0, 2), 100)
  assert.deepEqual(store.parts, [])
  assert.equal(loading.committed, 0n)
})

test('no INSERT is sent on a heartbeat older than half the session', async () => {
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  const loading = new Loading(clock, store, ['old'])
  const startMs = clock.monotonicMs()
  await loading.load(ONE_GROUP, 100)
  assertLoaded(store, ONE_GROUP)
  assert.ok(clock.monotonicMs() - startMs >= 2_000, 'it rested first')
})
