import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { storedFrame } from '../../../pipelines/load/stored-frame.ts'
import { NativeBlock } from '../../../schemas/native/block.ts'
import {
  I128Column,
  NullableColumn,
  NumberedColumn,
  StringColumn,
  U32Column,
  U64Column,
  U8Column,
  UuidColumn,
} from '../../../schemas/native/columns.ts'
import { viewOf } from '../../../schemas/rowbinary.ts'
import type { Target } from './target.ts'

const COLUMNS = `(src_topic LowCardinality(String), src_partition UInt16, src_seq SimpleAggregateFunction(max, UInt64),
  kind Enum8('own' = 0, 'hive' = 1, 'idle' = 2), count UInt32, at DateTime64(3, 'UTC'), start DateTime('UTC'),
  sum SimpleAggregateFunction(sum, UInt64), cost Int128, id UUID, gpu Nullable(UInt32), energy Nullable(UInt64),
  node String, model LowCardinality(String), goal String) ENGINE = MergeTree ORDER BY count`

const NODES = ['', 'node-1', 'node-2', 'n'.repeat(300)]

/** Texts as a dictionary numbers them. */
const nodes = {
  lengthOf: (number: number): number => NODES[number]?.length ?? 0,
  copy: (number: number, to: DataView, at: number): number => {
    for (const [byte, code] of [...Buffer.from(NODES[number] ?? '')].entries()) to.setUint8(at + byte, code)
    return at + (NODES[number]?.length ?? 0)
  },
}

/** A column of each kind. */
class EveryKind extends NativeBlock {
  readonly #kind = this.column('kind', 'Int8', new U8Column())
  readonly #count = this.column('count', 'UInt32', new U32Column())
  readonly #at = this.column('at', `DateTime64(3, 'UTC')`, new U64Column())
  readonly #start = this.column('start', `DateTime('UTC')`, new U32Column())
  readonly #sum = this.column('sum', 'UInt64', new U64Column())
  readonly #cost = this.column('cost', 'Int128', new I128Column())
  readonly #id = this.column('id', 'UUID', new UuidColumn())
  readonly #gpu = this.column('gpu', 'Nullable(UInt32)', new NullableColumn(new U32Column()))
  readonly #energy = this.column('energy', 'Nullable(UInt64)', new NullableColumn(new U64Column()))
  readonly #node = this.column('node', 'LowCardinality(String)', new NumberedColumn(this.texts))
  readonly #model = this.column('model', 'LowCardinality(String)', new NumberedColumn(this.texts))
  readonly #goal = this.column('goal', 'String', new StringColumn(this.texts))

  add(number: number): void {
    const row = this.nextRow()
    this.#kind.set(row, number % 3)
    this.#count.set(row, number)
    this.#at.set(row, 1_700_000_000_000 + number)
    this.#start.set(row, 1_700_000_000 + number)
    this.#sum.set(row, Number.MAX_SAFE_INTEGER - number)
    this.#cost.set(row, -(10n ** 30n) - BigInt(number))
    this.#id.set(row, viewOf(idOf(number)), 0)
    this.#gpu.set(row, number % 2 === 0 ? -1 : number)
    this.#energy.set(row, number % 3 === 0 ? -1 : 2 ** 40 + number)
    this.#node.set(row, (number % 4) - (number % 4 === 0 ? 1 : 0), nodes)
    this.#model.set(row, 1 + (number % 2), nodes)
    if (number % 5 === 4) this.#goal.set(row, Buffer.from(`goal-${number}`), 0, `goal-${number}`.length)
  }
}

function idOf(number: number): Buffer {
  const id = Buffer.alloc(16)
  id.writeUInt32BE(number, 4)
  id.writeUInt32BE(number + 1, 12)
  return id
}

const uuidOf = (number: number): string =>
  idOf(number)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.*)$/, '$1-$2-$3-$4-$5')

const timeOf = (ms: number): string =>
  new Date(1_700_000_000_000 + ms).toISOString().replace('T', ' ').replace('Z', '')

/** The row of a number as ClickHouse shows it. */
const shown = (number: number): object => ({
  src_topic: 'blocks',
  src_partition: 7,
  src_seq: String(2 ** 40),
  kind: ['own', 'hive', 'idle'][number % 3],
  count: number,
  at: timeOf(number),
  start: timeOf(number * 1_000).replace('.000', ''),
  sum: String(Number.MAX_SAFE_INTEGER - number),
  cost: String(-(10n ** 30n) - BigInt(number)),
  id: uuidOf(number),
  gpu: number % 2 === 0 ? null : number,
  energy: number % 3 === 0 ? null : String(2 ** 40 + number),
  node: NODES[number % 4],
  model: NODES[1 + (number % 2)],
  goal: number % 5 === 4 ? `goal-${number}` : '',
})

/** Columns written by hand are equal to ClickHouse's, whatever its version. */
export function describeNative(target: () => Target): void {
  describe('blocks of columns', () => {
    const block = new EveryKind()
    const blockOf = (from: number, to: number): Buffer => {
      for (let number = from; number < to; number++) block.add(number)
      return block.take({ topic: 'blocks', partition: 7, seq: 2 ** 40 }, Buffer.alloc(0))
    }
    const send = (table: string, body: Buffer) =>
      target().send(`INSERT INTO ${table} FORMAT Native`, body, {
        http_headers: { 'content-encoding': 'zstd' },
      })

    it('takes blocks one behind the other, packed and stored, as one part', async () => {
      const table = await target().table(COLUMNS)
      const frames = [
        ...storedFrame(blockOf(0, 3)),
        zstdCompressSync(blockOf(3, 5_000)),
        zstdCompressSync(Buffer.concat([blockOf(5_000, 5_001), blockOf(5_001, 5_100)])),
      ]
      const { writtenRows } = await send(table, Buffer.concat(frames))
      assert.equal(writtenRows, 5_100)
      const rows = await target().rows(`SELECT * FROM ${table} ORDER BY count`, {
        clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
      })
      for (const [number, row] of rows.entries()) assert.deepEqual(row, shown(number))
      const [parts] = await target().rows(
        `SELECT toUInt32(count()) AS n FROM system.parts WHERE database = currentDatabase() AND table = '${table}'`,
      )
      assert.deepEqual(parts, { n: 1 })
    })

    it('lands no row of a block that is cut short or goes on as none', async () => {
      const table = await target().table(COLUMNS)
      const whole = blockOf(0, 100)
      for (const broken of [
        zstdCompressSync(whole.subarray(0, -1)),
        Buffer.concat([zstdCompressSync(whole), zstdCompressSync(whole.subarray(0, 1_000))]),
        Buffer.concat([zstdCompressSync(whole), zstdCompressSync(Buffer.alloc(100, 'no block'))]),
      ]) {
        await assert.rejects(send(table, broken), { code: /^[1-9]\d*$/ })
        assert.deepEqual(await target().rows(`SELECT toUInt32(count()) AS n FROM ${table}`), [{ n: 0 }])
      }
    })
  })
}
