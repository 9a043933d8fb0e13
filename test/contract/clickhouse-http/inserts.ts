import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { zstdCompressSync } from 'node:zlib'
import { storedFrame } from '../../../pipelines/load/stored-frame.ts'
import type { Target } from './target.ts'

/** `a Int32, s String` in RowBinary, for strings of fewer than 128 bytes. */
function rowBinary(rows: readonly (readonly [number, Buffer])[]): Buffer {
  return Buffer.concat(
    rows.flatMap(([a, s]) => {
      const fixed = Buffer.alloc(5)
      fixed.writeInt32LE(a)
      fixed.writeUInt8(s.length, 4)
      return [fixed, s]
    }),
  )
}

/** Rows whose `a` counts from `from` up to `to`. */
function numberedRows(from: number, to: number): Buffer {
  return rowBinary(
    Array.from({ length: to - from }, (_, at) => [from + at, Buffer.alloc(100, 'row')] as const),
  )
}

const IN_ZSTD = { http_headers: { 'content-encoding': 'zstd' } }

/** Data of every kind arrives completely or not at all, and never becomes a statement. */
export function describeInserts(target: () => Target): void {
  const count = async (table: string): Promise<number> => {
    const [row] = (await target().rows(`SELECT toUInt32(count()) AS n FROM ${table}`)) as { n: number }[]
    return row?.n ?? Number.NaN
  }

  describe('inserts', () => {
    it('takes JSONEachRow from an array and from a stream, and tells how many rows it wrote', async () => {
      const table = await target().table('(a Int32, s String)')
      const values = Array.from({ length: 1_000 }, (_, a) => ({ a, s: `row\n\n${a}` }))
      const { summary } = await target().client.insert({ table, values, format: 'JSONEachRow' })
      assert.equal(summary?.written_rows, '1000')
      await target().client.insert({ table, values: Readable.from(values), format: 'JSONEachRow' })
      assert.equal(await count(table), 2_000)
    })

    it('takes JSONCompactEachRow, a column list and an exception list', async () => {
      const table = await target().table(`(a Int32, b String DEFAULT 'unset', c String DEFAULT 'unset')`)
      const { client } = target()
      await client.insert({ table, values: [[1, 'b', 'c']], format: 'JSONCompactEachRow' })
      await client.insert({ table, values: [{ a: 2, b: 'b' }], columns: ['a', 'b'], format: 'JSONEachRow' })
      await client.insert({
        table,
        values: [{ a: 3, c: 'c' }],
        columns: { except: ['b'] },
        format: 'JSONEachRow',
      })
      assert.deepEqual(await target().rows(`SELECT * FROM ${table} ORDER BY a`), [
        { a: 1, b: 'b', c: 'c' },
        { a: 2, b: 'b', c: 'unset' },
        { a: 3, b: 'unset', c: 'c' },
      ])
    })

    it('takes RowBinary with NULs, empty lines and semicolons in the data', async () => {
      const table = await target().table('(a Int32, s String)')
      const data = Buffer.from(`\0\n\n;DROP TABLE ${table};\r\n\r\n'\\`)
      const { writtenRows } = await target().send(
        `INSERT INTO ${table} (a, s) FORMAT RowBinary`,
        rowBinary([
          [0x0a0a, data],
          [0x3b0a0a3b, data],
        ]),
      )
      assert.equal(writtenRows, 2)
      assert.deepEqual(await target().rows(`SELECT a, hex(s) AS s FROM ${table} ORDER BY a`), [
        { a: 0x0a0a, s: data.toString('hex').toUpperCase() },
        { a: 0x3b0a0a3b, s: data.toString('hex').toUpperCase() },
      ])
    })

    it('lands no row of a RowBinary body that is cut short', async () => {
      const table = await target().table('(a Int32, s String)')
      const whole = rowBinary(Array.from({ length: 50 }, (_, a) => [a, Buffer.from(`row ${a}`)] as const))
      const query = `INSERT INTO ${table} FORMAT RowBinary`
      await assert.rejects(target().send(query, whole.subarray(0, -3)), { code: '33' })
      assert.equal(await count(table), 0)
      await target().send(query, whole)
      assert.equal(await count(table), 50)
    })

    it('takes RowBinary in zstd frames, packed and stored, and no row where one is none', async () => {
      const table = await target().table('(a Int32, s String)')
      const frames = [
        ...storedFrame(numberedRows(0, 10)),
        zstdCompressSync(numberedRows(10, 20_000)),
        ...storedFrame(numberedRows(20_000, 20_001)),
        zstdCompressSync(numberedRows(20_001, 20_002)),
      ]
      const query = `INSERT INTO ${table} (a, s) FORMAT RowBinary`
      const { writtenRows } = await target().send(query, Buffer.concat(frames), IN_ZSTD)
      assert.equal(writtenRows, 20_002)
      assert.deepEqual(await target().rows(`SELECT sum(a) AS a, sum(length(s)) AS s FROM ${table}`), [
        { a: (20_001 * 20_002) / 2, s: 2_000_200 },
      ])
      for (const broken of [
        Buffer.concat([zstdCompressSync(numberedRows(0, 1)), Buffer.from('no zstd')]),
        Buffer.from('no zstd'),
        zstdCompressSync(numberedRows(0, 10).subarray(0, -3)),
      ]) {
        await assert.rejects(target().send(query, broken, IN_ZSTD), { code: /^[1-9]\d*$/ })
        assert.equal(await count(table), 20_002)
      }
    })

    it('lands no row of zstd frames whose sender goes away between two of them', async () => {
      const table = await target().table(
        '(a Int32, s String) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100',
      )
      const frames = [
        zstdCompressSync(numberedRows(0, 30_000)),
        zstdCompressSync(numberedRows(30_000, 40_000)),
      ]
      const insert = (values: Readable) =>
        target().client.exec({
          query: `INSERT INTO ${table} (a, s) FORMAT RowBinary`,
          values,
          clickhouse_settings: { insert_deduplication_token: 'one' },
          ...IN_ZSTD,
        })
      async function* leaving(): AsyncGenerator<Buffer> {
        yield frames[0] as Buffer
        throw new Error('The sender goes away.')
      }
      await assert.rejects(insert(Readable.from(leaving(), { objectMode: false })))
      // If the first frame had been inserted, this token would be known, and nothing more would be inserted.
      const { stream } = await insert(Readable.from(frames, { objectMode: false }))
      await finished(stream.resume())
      assert.equal(await count(table), 40_000)
    })

    it('lands no row of a JSONEachRow body with one bad row', async () => {
      const table = await target().table('(a Int32)')
      const query = `INSERT INTO ${table} FORMAT JSONEachRow`
      await assert.rejects(target().send(query, Buffer.from('{"a":1}\n{"a":"no number"}\n')))
      assert.equal(await count(table), 0)
    })

    for (const format of ['JSONEachRow', 'CSV', 'TabSeparated', 'Values']) {
      it(`executes nothing of a ${format} body that goes on with a statement`, async () => {
        const table = await target().table('(a Int32)')
        const victim = await target().table('(a Int32)')
        const first = { JSONEachRow: '{"a":1}', Values: '(1)' }[format] ?? '1'
        const query = `INSERT INTO ${table} FORMAT ${format}`
        for (const rest of [
          `\n\nDROP TABLE ${victim}`,
          `;\n\nDROP TABLE ${victim}`,
          `\n;DROP TABLE ${victim};`,
        ]) {
          const apart = target().send(query, Buffer.from(`${first}${rest}`))
          const joined = target().client.command({ query: `${query} ${first}${rest}` })
          const ends = (await Promise.allSettled([apart, joined])).map((end) => end.status)
          // Values ends at a semicolon: the engine takes the rows before it and reads no further.
          if (format !== 'Values' || !rest.includes(';')) assert.deepEqual(ends, ['rejected', 'rejected'])
        }
        assert.deepEqual(await target().rows(`EXISTS TABLE ${victim}`), [{ result: 1 }])
        if (format !== 'Values') assert.equal(await count(table), 0)
      })
    }

    it('takes INSERT … SELECT … FROM input()', async () => {
      const table = await target().table('(a Int32, s String)')
      await target().send(
        `INSERT INTO ${table} SELECT a * 2, upper(s) FROM input('a Int32, s String') WHERE a > 1 FORMAT RowBinary`,
        rowBinary([
          [1, Buffer.from('x')],
          [2, Buffer.from('\n\n;')],
          [3, Buffer.from('z')],
        ]),
      )
      assert.deepEqual(await target().rows(`SELECT * FROM ${table} ORDER BY a`), [
        { a: 4, s: '\n\n;' },
        { a: 6, s: 'Z' },
      ])
    })

    it('takes VALUES and INSERT SELECT as commands', async () => {
      const table = await target().table('(a Int32, s String)')
      await target().client.command({
        query: `INSERT INTO ${table} VALUES (1, 'a\n\nb;'), (1 + 1, lower('C'))`,
      })
      await target().client.command({ query: `INSERT INTO ${table} SELECT number + 10, 'n' FROM numbers(2)` })
      assert.deepEqual(await target().rows(`SELECT * FROM ${table} ORDER BY a`), [
        { a: 1, s: 'a\n\nb;' },
        { a: 2, s: 'c' },
        { a: 10, s: 'n' },
        { a: 11, s: 'n' },
      ])
    })

    it('finds the data of an INSERT whose names, settings and comments look like clauses', async () => {
      const { client, database } = target()
      await client.command({
        query:
          'CREATE TABLE "FORMAT" (`SETTINGS` Int32, "VALUES" String) ENGINE = MergeTree ORDER BY tuple()',
      })
      const data = rowBinary([[7, Buffer.from('FORMAT CSV')]])
      for (const query of [
        'INSERT INTO "FORMAT" (`SETTINGS`, "VALUES") FORMAT RowBinary',
        `insert into ${database}."FORMAT" -- FORMAT CSV\n FORMAT /* VALUES */ RowBinary`,
        `INSERT INTO TABLE \`FORMAT\` SETTINGS max_threads = 1, log_comment = ' FORMAT CSV ' FORMAT RowBinary`,
      ]) {
        await target().send(query, data)
      }
      assert.deepEqual(
        await target().rows('SELECT count() AS n, min("SETTINGS") AS a, any("VALUES") AS s FROM "FORMAT"'),
        [{ n: 3, a: 7, s: 'FORMAT CSV' }],
      )
    })

    it('drops a block whose token it knows, on a plain MergeTree with a window', async () => {
      const table = await target().table(
        '(a Int32, s String) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100',
      )
      const query = `INSERT INTO ${table} FORMAT RowBinary`
      const insert = async (token: string, a: number): Promise<void> => {
        await target().send(query, rowBinary([[a, Buffer.from('x')]]), {
          clickhouse_settings: { insert_deduplication_token: token },
        })
      }
      await insert('one', 1)
      await insert('one', 1)
      await insert('one', 2)
      await insert('two', 1)
      assert.deepEqual(await target().rows(`SELECT a FROM ${table}`), [{ a: 1 }, { a: 1 }])
    })

    it('keeps exact times and numbers', async () => {
      const table = await target().table(`(t DateTime64(3, 'UTC'), i Int128, d Decimal(38, 9), u UInt64)`)
      const row = {
        t: '2026-11-21 01:02:03.045',
        i: '-170141183460469231731687303715884105728',
        d: '-12345678901234567890123456789.123456789',
        u: '18446744073709551615',
      }
      await target().client.insert({ table, values: [row], format: 'JSONEachRow' })
      const binary = Buffer.alloc(48)
      binary.writeBigInt64LE(BigInt(Date.UTC(2026, 10, 21, 1, 2, 3, 45)))
      binary.writeBigInt64LE(-(2n ** 63n), 16)
      const scaled = -12345678901234567890123456789_123456789n
      binary.writeBigUInt64LE(BigInt.asUintN(64, scaled), 24)
      binary.writeBigInt64LE(BigInt.asIntN(64, scaled >> 64n), 32)
      binary.writeBigUInt64LE(2n ** 64n - 1n, 40)
      await target().send(`INSERT INTO ${table} FORMAT RowBinary`, binary)
      const found = await target().rows(
        `SELECT toString(t) AS t, toString(i) AS i, toString(d) AS d, toString(u) AS u FROM ${table}`,
      )
      assert.deepEqual(found, [row, row])
    })

    it('takes an empty body for no rows', async () => {
      const table = await target().table('(a Int32)')
      await target().client.insert({ table, values: Readable.from([]), format: 'JSONEachRow' })
      assert.equal(await count(table), 0)
    })
  })
}
