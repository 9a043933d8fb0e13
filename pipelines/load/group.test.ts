import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { blockRecord } from '../../test/support/records/block-records.ts'
import type { BlockFields } from '../../test/support/records/block-records.ts'
import { HaltError } from '../log/records.ts'
import { GroupGatherer, insertsOf, toBlock } from './group.ts'
import type { Block, Group, KnownSeqs } from './group.ts'

const block = (fields: BlockFields): Block => toBlock(blockRecord(fields))
/** Blocks are loaded up to a number, and none may be missing. */
const upTo = (loadedSeq: number): KnownSeqs => ({ loadedSeq, missingThrough: 0 })
const seqsOf = (groups: readonly Group[]): number[][] =>
  groups.map(({ blocks }) => blocks.map(({ seq }) => seq))
const halts = (reason: string) => (error: unknown) => error instanceof HaltError && error.reason === reason

/** A log of blocks whose offsets leave gaps, as commit markers do. */
const log = fc
  .array(fc.record({ begins: fc.boolean(), ends: fc.boolean(), gap: fc.nat(2) }), {
    minLength: 1,
    maxLength: 30,
  })
  .map((marks) => {
    let offset = -1n
    return marks.map(({ begins, ends, gap }, index) => {
      offset += BigInt(gap + 1)
      return block({ seq: index + 1, offset, begins, ends })
    })
  })

test('groups begin and end where the log says so, and nothing is lost or doubled', () => {
  fc.assert(
    fc.property(log, (blocks) => {
      const gatherer = new GroupGatherer()
      const groups = blocks.flatMap((one) => gatherer.take(one, upTo(0)))
      const gathered = groups.flatMap((group) => group.blocks)
      assert.deepEqual(gathered, blocks.slice(0, gathered.length))
      for (const group of groups) {
        const [first] = group.blocks
        const last = group.blocks.at(-1)
        assert.equal(group.firstSeq, first?.seq)
        assert.equal(group.lastSeq, last?.seq)
        assert.equal(group.endOffset, (last?.offset ?? 0n) + 1n)
        const next = blocks[group.lastSeq]
        assert.ok(last?.groupEnds === true || next?.groupBegins === true)
        for (const inner of group.blocks.slice(0, -1)) assert.equal(inner.groupEnds, false)
        for (const inner of group.blocks.slice(1)) assert.equal(inner.groupBegins, false)
      }
      const open = blocks.slice(gathered.length)
      assert.equal(gatherer.openOffset, open[0]?.offset ?? null)
    }),
  )
})

test('a redelivery from anywhere changes no group', () => {
  fc.assert(
    fc.property(log, fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { maxLength: 6 }), (blocks, redeliveries) => {
      const plain = new GroupGatherer()
      const expected = seqsOf(blocks.flatMap((one) => plain.take(one, upTo(0))))
      const gatherer = new GroupGatherer()
      const groups: Group[] = []
      let taken = 0
      const takeUpTo = (end: number): void => {
        for (; taken < end; taken++) groups.push(...gatherer.take(blocks[taken] as Block, upTo(0)))
      }
      for (const [more, back] of redeliveries) {
        takeUpTo(Math.min(blocks.length, taken + more))
        for (const again of blocks.slice(Math.max(0, taken - back), taken)) {
          assert.deepEqual(gatherer.take(again, upTo(0)), [])
        }
      }
      takeUpTo(blocks.length)
      assert.deepEqual(seqsOf(groups), expected)
    }),
  )
})

test('a fresh start at any border makes the same groups again', () => {
  fc.assert(
    fc.property(log, (blocks) => {
      const gatherer = new GroupGatherer()
      const groups = blocks.flatMap((one) => gatherer.take(one, upTo(0)))
      for (const [index, group] of groups.entries()) {
        gatherer.reset()
        const from = blocks.filter(({ offset }) => offset >= group.firstOffset)
        const again = from.flatMap((one) => gatherer.take(one, upTo(group.firstSeq - 1)))
        assert.deepEqual(seqsOf(again), seqsOf(groups.slice(index)))
      }
    }),
  )
})

test('numbers without gaps: anything else halts', () => {
  const gatherer = new GroupGatherer()
  assert.throws(() => gatherer.take(block({ seq: 12, offset: 5n }), upTo(10)), halts('blocks_gone'))
  assert.deepEqual(seqsOf(gatherer.take(block({ seq: 11, offset: 5n, ends: true }), upTo(10))), [[11]])
  assert.throws(() => gatherer.take(block({ seq: 13, offset: 6n }), upTo(10)), halts('block_gap'))
  assert.throws(() => gatherer.take(block({ seq: 11, offset: 6n }), upTo(10)), halts('block_repeated'))
  assert.throws(() => gatherer.take(block({ seq: 3, offset: 6n }), upTo(10)), halts('block_repeated'))
  assert.deepEqual(seqsOf(gatherer.take(block({ seq: 12, offset: 6n, ends: true }), upTo(10))), [[12]])
})

test('blocks that an operator allows to be missing leave a gap, and no other', () => {
  const known = { loadedSeq: 2, missingThrough: 7 }
  const gatherer = new GroupGatherer()
  assert.equal(gatherer.isGap(block({ seq: 8, offset: 0n }), known), false)
  assert.equal(gatherer.isGap(block({ seq: 9, offset: 0n }), known), true)
  gatherer.take(block({ seq: 3, offset: 0n }), known)
  assert.throws(() => gatherer.take(block({ seq: 9, offset: 1n }), known), halts('block_gap'))
  assert.deepEqual(seqsOf(gatherer.take(block({ seq: 8, offset: 1n, ends: true }), known)), [[3, 8]])
  assert.throws(() => gatherer.take(block({ seq: 7, offset: 2n }), known), halts('block_repeated'))
})

test('a first block that is long loaded is taken: the look will find it', () => {
  const gatherer = new GroupGatherer()
  assert.deepEqual(seqsOf(gatherer.take(block({ seq: 2, offset: 0n, ends: true }), upTo(10))), [[2]])
})

test('a record that is no block halts', () => {
  const record = blockRecord({ seq: 1, offset: 0n })
  for (const name of ['table', 'columns', 'table-partition', 'seq']) {
    const headers = Object.fromEntries(Object.entries(record.headers).filter(([other]) => other !== name))
    assert.throws(() => toBlock({ ...record, headers }), halts('not_a_block'), name)
  }
  for (const [name, value] of [
    ['seq', 'one'],
    ['format', 'Parquet'],
  ] as const) {
    const headers = { ...record.headers, [name]: Buffer.from(value) }
    assert.throws(() => toBlock({ ...record, headers }), halts('not_a_block'))
  }
})

test('a block without a format is RowBinary', () => {
  const record = blockRecord({ seq: 1, offset: 0n })
  assert.equal(toBlock(record).format, 'RowBinary')
  const headers = { ...record.headers, format: Buffer.from('Native') }
  assert.equal(toBlock({ ...record, headers }).format, 'Native')
})

test('one INSERT a table and month, rows in the order of their numbers, watermarks last', () => {
  const places = fc.constantFrom(
    'usage_events/202601',
    'usage_events/202602',
    'usage_1m/202601',
    'watermarks/',
  )
  fc.assert(
    fc.property(fc.array(places, { minLength: 1, maxLength: 20 }), (list) => {
      const blocks = list.map((place, index) => {
        const [table = '', month = ''] = place.split('/')
        return block({ seq: index + 1, offset: BigInt(index), table, month, columns: `of,${table}` })
      })
      const group = {
        blocks,
        firstSeq: 1,
        lastSeq: list.length,
        firstOffset: 0n,
        endOffset: BigInt(list.length),
      }
      const inserts = insertsOf(group)
      assert.deepEqual(new Set(inserts.map(({ table, month }) => `${table}/${month}`)), new Set(list))
      assert.equal(inserts.length, new Set(list).size)
      for (const { table, month, columns, firstSeq, body } of inserts) {
        const seqs = blocks.filter((one) => one.table === table && one.month === month).map(({ seq }) => seq)
        assert.deepEqual(
          body.map(({ rows }) => rows.readUInt32LE()),
          seqs,
        )
        assert.equal(firstSeq, seqs[0])
        assert.deepEqual(columns, ['of', table])
      }
      const watermarks = inserts.findIndex(({ table }) => table === 'watermarks')
      assert.ok(watermarks === -1 || watermarks === inserts.length - 1)
    }),
  )
})

test('columns or a format that change within a group halt', () => {
  const first = block({ seq: 1, offset: 0n, columns: 'a,b' })
  const others = [
    block({ seq: 2, offset: 1n, columns: 'a,b,c', ends: true }),
    { ...block({ seq: 2, offset: 1n, columns: 'a,b', ends: true }), format: 'Native' as const },
  ]
  for (const other of others) {
    const group = { blocks: [first, other], firstSeq: 1, lastSeq: 2, firstOffset: 0n, endOffset: 2n }
    assert.throws(() => insertsOf(group), halts('columns_changed'))
  }
})
