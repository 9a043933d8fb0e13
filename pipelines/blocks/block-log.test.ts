import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { BLOCK_HEADER, TABLES } from '../../schemas/tables.ts'
import { readBlock } from '../../test/support/oracles/row-reader.ts'
import type { ReadBlock } from '../../test/support/oracles/row-reader.ts'
import { VirtualClock } from '../../test/support/memory/virtual-clock.ts'
import {
  BEHIND_AFTER_MS,
  BLOCK_BYTES_MAX,
  BlockLog,
  GROUP_AGE_BEHIND_MS,
  GROUP_AGE_MS,
  GROUP_BYTES_MAX,
  monthOf,
  PACK_BYTES_MIN,
} from './block-log.ts'

const clock = new VirtualClock()
const openLog = (nextSeq = 1): BlockLog =>
  new BlockLog({
    topic: 'usage.blocks',
    partition: 3,
    nextSeq,
    clock,
    after: { position: 0, watermarkMs: 0 },
  })

/** A row of settlements, with the spark `spark` and a node id of `idBytes` bytes. */
function addRow(log: BlockLog, month: string, spark: number, idBytes = 1): void {
  const { rows, prefix } = log.rowsFor(TABLES.settlements, month)
  rows.raw(prefix)
  rows.string('n'.repeat(idBytes))
  rows.uuid(Buffer.alloc(16))
  rows.string('operator')
  for (const number of [0, 1, 1]) rows.u64(number)
  rows.i128(5n)
  rows.i64(BigInt(spark))
  rows.u64(0)
  rows.u8(1)
  rows.i64(BigInt(spark) * 1_000_000n)
  rows.i128(BigInt(spark) * 1_000_000n)
}

/** Everything is loaded, unless a test says otherwise. */
const ALL_LOADED = Number.MAX_SAFE_INTEGER

async function finish(
  log: BlockLog,
  forceEnd = false,
  watermarkMs = 7,
  loadedSeq = ALL_LOADED,
): Promise<ReadBlock[]> {
  const appends = await log.finish({ watermarkMs, position: 9 }, forceEnd, loadedSeq)
  for (const { topic, partition, key } of appends)
    assert.deepEqual([topic, partition, key], ['usage.blocks', 3, null])
  return appends.map(readBlock)
}

test('blocks are numbered without gaps, in their order, the row of watermarks last', async () => {
  const rows = fc.array(
    fc.record({ month: fc.constantFrom('202601', '202602', '202603'), spark: fc.nat(99) }),
    {
      maxLength: 12,
    },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(rows, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 1e9 }),
      async (transactions, first) => {
        const log = openLog(first)
        let seq = first
        for (const [number, transaction] of transactions.entries()) {
          for (const { month, spark } of transaction) addRow(log, month, spark)
          const blocks = await finish(log, false, number)
          for (const block of blocks) {
            assert.equal(block.seq, seq++)
            for (const row of block.rows) {
              assert.deepEqual(
                [row['src_topic'], row['src_partition'], row['src_seq']],
                ['usage.blocks', 3, BigInt(block.seq)],
              )
            }
            const expected = transaction
              .filter(({ month }) => month === block.month)
              .map(({ spark }) => BigInt(spark))
            if (block.table === 'settlements')
              assert.deepEqual(
                block.rows.map((row) => row['spark']),
                expected,
              )
          }
          assert.equal(blocks.length, new Set(transaction.map(({ month }) => month)).size + 1)
          const last = blocks.at(-1)
          assert.equal(last?.table, 'watermarks')
          assert.equal(last.month, '')
          assert.deepEqual(
            last.rows.map((row) => row['watermark']),
            [number],
          )
          assert.equal(log.nextSeq, seq)
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('the first block after a restore begins a group, and only that one', async () => {
  const log = openLog()
  addRow(log, '202601', 1)
  const marks = [...(await finish(log)), ...(await finish(log)), ...(await finish(log))].map(
    ({ begins }) => begins,
  )
  assert.deepEqual(marks, [true, false, false, false])
})

test('a lone batch is a group of its own; after that a group ends 2 s after the last border', async () => {
  const log = openLog()
  const ends = async (forceEnd = false): Promise<boolean> => {
    const blocks = await finish(log, forceEnd)
    for (const block of blocks.slice(0, -1)) assert.equal(block.ends, false)
    const isEnd = blocks.at(-1)?.ends === true
    assert.equal(log.groupOpen, !isEnd)
    return isEnd
  }
  assert.equal(await ends(), true)
  clock.pass(GROUP_AGE_MS - 1)
  assert.equal(await ends(), false)
  clock.pass(1)
  assert.equal(await ends(), true)
  assert.equal(await ends(), false)
  assert.equal(await ends(true), true, 'a tick or a pause ends it')
  clock.pass(GROUP_AGE_MS - 1)
  assert.equal(await ends(), false, 'the forced end was a border')
})

test('while ClickHouse is behind, a group ends 5 s after the last border, and at its bytes as ever', async () => {
  const log = openLog()
  let loadedSeq = 0
  const isEnd = async (): Promise<boolean> => (await finish(log, false, 7, loadedSeq)).at(-1)?.ends === true
  assert.equal(await isEnd(), true)
  const awaited = log.nextSeq - 1
  for (let passedMs = GROUP_AGE_MS; passedMs < BEHIND_AFTER_MS; passedMs += GROUP_AGE_MS) {
    clock.pass(GROUP_AGE_MS)
    assert.equal(await isEnd(), true, `${passedMs} ms: not yet behind`)
  }
  clock.pass(GROUP_AGE_MS)
  assert.equal(await isEnd(), false, 'the first border is not loaded since 5 s')
  loadedSeq = awaited - 1
  clock.pass(GROUP_AGE_BEHIND_MS - 2 * GROUP_AGE_MS)
  assert.equal(await isEnd(), false)
  clock.pass(GROUP_AGE_MS)
  assert.equal(await isEnd(), true, '5 s after the border before')
  clock.pass(GROUP_AGE_MS)
  for (let row = 0; row < GROUP_BYTES_MAX / 400_000; row++) addRow(log, '202601', 1, 400_000)
  assert.equal(await isEnd(), true, '32 MiB')
  loadedSeq = awaited
  clock.pass(GROUP_AGE_MS)
  assert.equal(await isEnd(), true, 'caught up with what was awaited')
})

test('a group ends at 32 MiB of rows, counted before they are packed', async () => {
  const log = openLog()
  await finish(log)
  let bytes = 0
  for (;;) {
    addRow(log, '202601', 1, 400_000)
    bytes += 400_000
    const isEnd = (await finish(log)).at(-1)?.ends
    // The other columns are a few bytes of each row.
    assert.equal(isEnd, bytes >= GROUP_BYTES_MAX, `${bytes} bytes`)
    if (isEnd === true) break
  }
  addRow(log, '202601', 1, 400_000)
  assert.equal((await finish(log)).at(-1)?.ends, false, 'bytes are counted from the border on')
})

test('a block is cut once it holds 800 kB, with no row lost between', async () => {
  const log = openLog()
  const rowBytes = 100_000
  const count = 20
  for (let row = 0; row < count; row++) addRow(log, '202601', row, rowBytes)
  const blocks = (await finish(log)).filter(({ table }) => table === 'settlements')
  assert.deepEqual(
    blocks.flatMap(({ rows }) => rows.map((row) => Number(row['spark']))),
    Array.from({ length: count }, (_, row) => row),
  )
  assert.deepEqual(
    blocks.map(({ rows }) => rows.length),
    [BLOCK_BYTES_MAX / rowBytes, BLOCK_BYTES_MAX / rowBytes, 4],
  )
})

test('months are those of UTC, half-open', () => {
  assert.equal(monthOf(Date.UTC(2026, 0, 1)), '202601')
  assert.equal(monthOf(Date.UTC(2026, 0, 1) - 1), '202512')
  assert.equal(monthOf(Date.UTC(2024, 1, 29, 23, 59, 59, 999)), '202402')
})

test('blocks that are packed one after the other and at once hold their own rows', async () => {
  const log = openLog()
  let spark = 0
  for (let transaction = 0; transaction < 4; transaction++) {
    const expected: string[] = []
    for (let row = 0; row < 9_000; row++) {
      addRow(log, '202601', ++spark, 200)
      expected.push(String(spark))
    }
    const blocks = (await finish(log)).filter(({ table }) => table === 'settlements')
    assert.ok(blocks.length > 2)
    const found = blocks.flatMap(({ rows }) => rows.map((row) => String(row['spark'])))
    assert.deepEqual(found, expected)
  }
})

test('a block is packed from 8 kB on, and holds the same rows either way', async () => {
  const lone = openLog()
  addRow(lone, '202601', 1, 0)
  const emptyRowBytes = lone.rowsFor(TABLES.settlements, '202601').rows.length
  for (const [bytes, encoding] of [
    [PACK_BYTES_MIN - 1, undefined],
    [PACK_BYTES_MIN, 'zstd'],
  ] as const) {
    const log = openLog()
    // The length of such a long id takes one byte more.
    addRow(log, '202601', 1, bytes - emptyRowBytes - 1)
    const [append] = await log.finish({ watermarkMs: 7, position: 9 }, false, ALL_LOADED)
    assert.ok(append !== undefined)
    assert.equal(append.headers?.[BLOCK_HEADER.encoding], encoding)
    const [row] = readBlock(append).rows
    assert.equal(String(row?.['node_id']).length, bytes - emptyRowBytes - 1)
  }
})
