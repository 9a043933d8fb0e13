import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { NativeBlock } from './block.ts'
import {
  I128Column,
  NullableColumn,
  NumberedColumn,
  ROWS_MAX,
  StringColumn,
  U32Column,
  U64Column,
  U8Column,
  UuidColumn,
} from './columns.ts'
import { viewOf } from '../rowbinary.ts'

const NAMES = ['node-1', 'n', 'x'.repeat(300)]

/** Texts as a dictionary holds them: copying one may write up to three bytes more. */
const names = {
  lengthOf: (number: number): number => NAMES[number]?.length ?? Number.NaN,
  copy: (number: number, to: DataView, at: number): number => {
    const text = Buffer.from(`${NAMES[number]}???`)
    for (const [byte, code] of text.entries()) to.setUint8(at + byte, code)
    return at + text.length - 3
  },
}

interface Row {
  readonly late: number
  readonly tokens: number
  readonly cost: number
  readonly hash: readonly [low: number, high: number]
  readonly total: bigint
  readonly id: Uint8Array
  readonly duration: number
  readonly energy: number
  readonly node: number
  readonly goal: string
}

/** A column of each kind. */
class EveryKind extends NativeBlock {
  readonly #late = this.column('late', 'UInt8', new U8Column())
  readonly #tokens = this.column('tokens', 'UInt32', new U32Column())
  readonly #cost = this.column('cost', 'UInt64', new U64Column())
  readonly #hash = this.column('hash', 'UInt64', new U64Column())
  readonly #total = this.column('total', 'Int128', new I128Column())
  readonly #id = this.column('id', 'UUID', new UuidColumn())
  readonly #duration = this.column('duration', 'Nullable(UInt32)', new NullableColumn(new U32Column()))
  readonly #energy = this.column('energy', 'Nullable(UInt64)', new NullableColumn(new U64Column()))
  readonly #node = this.column('node', 'LowCardinality(String)', new NumberedColumn(this.texts))
  readonly #goal = this.column('goal', 'String', new StringColumn(this.texts))

  add(value: Row): void {
    const row = this.nextRow()
    this.#late.set(row, value.late)
    this.#tokens.set(row, value.tokens)
    this.#cost.set(row, value.cost)
    this.#hash.setHalves(row, ...value.hash)
    this.#total.set(row, value.total)
    this.#id.set(row, viewOf(value.id), 0)
    this.#duration.set(row, value.duration)
    this.#energy.set(row, value.energy)
    this.#node.set(row, value.node, names)
    if (value.goal !== '') this.#goal.set(row, Buffer.from(value.goal), 0, Buffer.byteLength(value.goal))
  }
}

const u32 = fc.nat(2 ** 32 - 1)
const row: fc.Arbitrary<Row> = fc.record({
  late: fc.nat(255),
  tokens: u32,
  cost: fc.maxSafeNat(),
  hash: fc.tuple(fc.integer(), fc.integer()),
  total: fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }),
  id: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  duration: fc.integer({ min: -1, max: 2 ** 32 - 1 }),
  energy: fc.oneof(fc.constant(-1), fc.maxSafeNat()),
  node: fc.integer({ min: -1, max: NAMES.length - 1 }),
  goal: fc.oneof(fc.constant(''), fc.string({ maxLength: 200 })),
})

/** The same block, plainly. */
function plainBlock(rows: readonly Row[], seq: number): Buffer {
  const texts = [...new Set(rows.map(({ node }) => NAMES[node] ?? ''))]
  const columns: [name: string, type: string, bytes: Buffer[]][] = [
    ['src_topic', 'String', rows.map(() => string('blocks'))],
    ['src_partition', 'UInt16', rows.map(() => integer(3n, 2))],
    ['src_seq', 'UInt64', rows.map(() => integer(BigInt(seq), 8))],
    ['late', 'UInt8', rows.map(({ late }) => integer(BigInt(late), 1))],
    ['tokens', 'UInt32', rows.map(({ tokens }) => integer(BigInt(tokens), 4))],
    ['cost', 'UInt64', rows.map(({ cost }) => integer(BigInt(cost), 8))],
    ['hash', 'UInt64', rows.flatMap(({ hash }) => hash.map((half) => integer(BigInt(half), 4)))],
    ['total', 'Int128', rows.map(({ total }) => integer(total, 16))],
    ['id', 'UUID', rows.map(({ id }) => Buffer.concat([id.slice(0, 8).reverse(), id.slice(8).reverse()]))],
    [
      'duration',
      'Nullable(UInt32)',
      nullable(
        rows.map(({ duration }) => duration),
        4,
      ),
    ],
    [
      'energy',
      'Nullable(UInt64)',
      nullable(
        rows.map(({ energy }) => energy),
        8,
      ),
    ],
    [
      'node',
      'LowCardinality(String)',
      [
        ...[1n, 0x601n, BigInt(texts.length)].map((number) => integer(number, 8)),
        ...texts.map(string),
        integer(BigInt(rows.length), 8),
        ...rows.map(({ node }) => integer(BigInt(texts.indexOf(NAMES[node] ?? '')), 2)),
      ],
    ],
    ['goal', 'String', rows.map(({ goal }) => string(goal))],
  ]
  const body = columns.flatMap(([name, type, bytes]) => [string(name), string(type), ...bytes])
  return Buffer.concat([varint(columns.length), varint(rows.length), ...body])
}

function integer(value: bigint, bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, (_, at) => Number((value >> BigInt(8 * at)) & 255n)))
}

function nullable(values: readonly number[], bytes: number): Buffer[] {
  return [
    ...values.map((value) => integer(value < 0 ? 1n : 0n, 1)),
    ...values.map((value) => integer(BigInt(Math.max(0, value)), bytes)),
  ]
}

function varint(value: number): Buffer {
  return value < 128 ? Buffer.from([value]) : Buffer.from([(value % 128) + 128, ...varint(value >> 7)])
}

function string(text: string): Buffer {
  return Buffer.concat([varint(Buffer.byteLength(text)), Buffer.from(text)])
}

test('a block is the one that plain addition of bytes makes, and so is the next one of the same memory', () => {
  const block = new EveryKind()
  const room = Buffer.alloc(20_000)
  let seq = 0
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 150 }), fc.boolean(), (rows, inRoom) => {
      for (const value of rows) block.add(value)
      const taken = block.take({ topic: 'blocks', partition: 3, seq: ++seq }, inRoom ? room : Buffer.alloc(0))
      assert.deepEqual(taken, plainBlock(rows, seq))
      assert.equal(block.length, 0)
      if (inRoom && taken.length <= room.length) assert.equal(taken.buffer, room.buffer)
    }),
  )
})

test('its length counts values and texts, each of a dictionary once', () => {
  const block = new EveryKind()
  const value: Row = {
    late: 0,
    tokens: 0,
    cost: 0,
    hash: [0, 0],
    total: 0n,
    id: Buffer.alloc(16),
    duration: 0,
    energy: 0,
    node: 0,
    goal: 'abc',
  }
  block.add(value)
  const first = block.length
  block.add(value)
  assert.equal(block.length - first, first - (NAMES[0]?.length ?? 0))
})

test('ROWS_MAX: a row more is refused', () => {
  class OneColumn extends NativeBlock {
    readonly #values = this.column('a', 'UInt8', new U8Column())

    add(): void {
      this.#values.set(this.nextRow(), 1)
    }
  }
  const block = new OneColumn()
  for (let rows = 0; rows < ROWS_MAX; rows++) block.add()
  assert.throws(() => block.add(), RangeError)
})
