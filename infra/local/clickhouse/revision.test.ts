import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { bareSelect, describedTypes } from './describe.ts'
import { Engine } from './engine.ts'
import { type Connection, loadAddon } from './native.ts'
import { inVersion, lacksZones, protocolVersion } from './revision.ts'
import { readStatement } from './statement.ts'

const HEAD_BYTES = 8
const NEWEST = 54_513
const ROWS = 70_000

/** One of each kind of type, alone and within others. */
const VALUES = [
  'number',
  'toInt8(1)',
  'toUInt16(number)',
  'toInt128(number)',
  'toUInt256(number)',
  'toFloat32(number)',
  'toBFloat16(1)',
  'number % 2 = 0',
  'toString(number)',
  `toFixedString('ab', 4)`,
  `toNullable(number % 2 ? NULL : toString(number))`,
  'NULL',
  '[]',
  'tuple()',
  `toLowCardinality(toString(number % 3))`,
  `toLowCardinality(toNullable(toString(number)))`,
  `[toLowCardinality('a'), toLowCardinality(toString(number))]`,
  `map('k', [toLowCardinality('v')], toString(number), [])`,
  '[[number, 2], [], range(number % 5)]',
  'arrayMap(x -> (x, toString(x), toNullable(x)), range(number % 4))',
  `CAST((1, 'x'), 'Tuple(\`a b\` UInt8, c String)')`,
  `CAST('a, (b', 'Enum8(\\'a, (b\\' = 1, \\'it\\\\\\'s)\\' = 2)')`,
  `CAST('a', 'Enum16(\\'a\\' = 1000)')`,
  'toDecimal32(1, 2)',
  'toDecimal64(1, 4)',
  'toDecimal128(1, 20)',
  'toDecimal256(1, 40)',
  `toUUID('00000000-0000-0000-0000-000000000001')`,
  'toDate(number)',
  'toDate32(number)',
  'toDateTime(number)',
  `toDateTime(number, 'Asia/Tokyo')`,
  `toNullable(toDateTime(number, 'Asia/Tokyo'))`,
  `toDateTime64(number, 6, 'UTC')`,
  `toIPv4('127.0.0.1')`,
  `toIPv6('::1')`,
  'toIntervalDay(3)',
  "CAST((0.5, 1.5), 'Point')",
  `CAST([[(0., 0.), (1., 1.)]], 'Polygon')`,
  `CAST(number, 'SimpleAggregateFunction(sum, UInt64)')`,
]

describe('versions of the protocol', () => {
  let dir = ''
  let engine: Engine
  let connection: Connection
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'hivemeter-revision-'))
    engine = await Engine.open(loadAddon(), dir)
    connection = engine.connect()
  })
  after(() => {
    engine.disconnect(connection)
    engine.close()
    rmSync(dir, { recursive: true, force: true })
  })
  const blocksOf = async (sql: string): Promise<Buffer> => {
    const { bytes } = await engine.addon.QueryAsyncConnection(connection, sql, 'Native')
    return Buffer.from(bytes)
  }

  it('writes a block as clients of each version read it', async () => {
    const sql = `SELECT toUInt8(7) AS a, toDateTime(1, 'Europe/Berlin') AS d`
    const blocks = await blocksOf(sql)
    const types = await describedTypes(engine, connection, sql, readStatement(sql))
    assert.deepEqual(types, ['UInt8', `DateTime('Europe/Berlin')`])
    const texts = (text: string): string => String.fromCharCode(text.length) + text
    const head = '\x01\x00\x02\xff\xff\xff\xff\x00'
    const zone = texts(`DateTime('Europe/Berlin')`)
    for (const [version, expected] of [
      [0, `\x02\x01${texts('a')}${texts('UInt8')}\x07${texts('d')}${texts('DateTime')}\x01\0\0\0`],
      [1, `${head}\x02\x01${texts('a')}${texts('UInt8')}\x07${texts('d')}${texts('DateTime')}\x01\0\0\0`],
      [54_337, `${head}\x02\x01${texts('a')}${texts('UInt8')}\x07${texts('d')}${zone}\x01\0\0\0`],
      [54_454, `${head}\x02\x01${texts('a')}${texts('UInt8')}\0\x07${texts('d')}${zone}\0\x01\0\0\0`],
    ] as const) {
      assert.equal(lacksZones(blocks, version), version >= 54_337)
      assert.equal(inVersion(blocks, version, types).toString('latin1'), expected, String(version))
    }
  })

  it('steps over the bytes of every type, in more blocks than one', async () => {
    for (const value of VALUES) {
      const blocks = await blocksOf(
        `SELECT 'before' AS b, ${value} AS v, 'behind' AS c FROM numbers(${ROWS})`,
      )
      const count = 2
      const added = inVersion(blocks, NEWEST, []).length - blocks.length
      assert.equal(added, count * (HEAD_BYTES + 3), value)
    }
  })

  it('leaves an empty result empty, and adds nothing to the rows of a block without any', async () => {
    const blocks = await blocksOf(`SELECT toDateTime(0, 'UTC') AS d, 1 AS b WHERE 0`)
    assert.equal(inVersion(blocks, NEWEST, [`DateTime('UTC')`, 'UInt8']).length, 0)
    assert.equal(lacksZones(blocks, NEWEST), false)
    const bare = Buffer.from('\x01\x00\x01d\x08DateTime', 'latin1')
    assert.equal(lacksZones(bare, NEWEST), true)
    assert.equal(inVersion(bare, NEWEST, []).length, bare.length + HEAD_BYTES + 1)
  })

  it('refuses types that only the engine can step over, by name', async () => {
    for (const [value, type] of [
      ['uniqState(number)', 'AggregateFunction(uniq, UInt64)'],
      [`'{"a":1}'::JSON`, 'JSON'],
      ['[number::Dynamic]', 'Array(Dynamic)'],
      ['(1, number::Variant(UInt64, String))', 'Tuple(UInt8, Variant(String, UInt64))'],
    ] as const) {
      const blocks = await blocksOf(
        `SELECT ${value} FROM numbers(1)${type.startsWith('Agg') ? ' GROUP BY number' : ''}`,
      )
      assert.throws(
        () => inVersion(blocks, NEWEST, []),
        (error) => String(error).includes(`type ${type} `),
      )
      assert.deepEqual(inVersion(blocks, 0, []), blocks)
    }
  })

  it('takes a number for a version, and nothing else', () => {
    assert.deepEqual([null, '', '0', '54460'].map(protocolVersion), [0, 0, 0, 54_460])
    for (const given of ['-1', '1e3', 'x', '0x10']) assert.throws(() => protocolVersion(given), { code: 27 })
  })

  it('describes a statement without its FORMAT and its semicolons', async () => {
    for (const [sql, types] of [
      [`SELECT 1 AS a FORMAT Native;`, ['UInt8']],
      [
        `SELECT 'x FORMAT y' AS format, now('UTC') FORMAT Native SETTINGS max_threads = 1 -- ;`,
        ['String', `DateTime('UTC')`],
      ],
      [`WITH 'ü;' AS s SELECT s ; ;`, ['String']],
      [`(SELECT 1 UNION ALL SELECT 300)`, ['UInt16']],
      ['SHOW TABLES', []],
      ['EXISTS DATABASE x', []],
    ] as const) {
      const text = Buffer.from(sql).toString('latin1')
      assert.deepEqual(await describedTypes(engine, connection, text, readStatement(text)), types, sql)
    }
    const text = `SELECT ';' FORMAT CSV`
    const statement = readStatement(text)
    assert.ok(statement.kind === 'text')
    assert.equal(bareSelect(text, statement).trimEnd(), `SELECT ';'`)
  })
})
