import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buffer, text } from 'node:stream/consumers'
import type { Target } from './target.ts'

/** Ping, statements, output formats, streams. */
export function describeReads(target: () => Target): void {
  describe('reads', () => {
    it('answers both kinds of ping', async () => {
      assert.deepEqual(await target().client.ping(), { success: true })
      assert.deepEqual(await target().client.ping({ select: true }), { success: true })
    })

    it('runs commands in the database of the client', async () => {
      const table = await target().table('(a Int8)')
      const found = await target().rows(
        'SELECT database, name FROM system.tables WHERE name = {table:String}',
        {
          query_params: { table },
        },
      )
      assert.deepEqual(found, [{ database: target().database, name: table }])
    })

    const query = 'SELECT number AS n, toString(number) AS s FROM numbers(2)'
    const objects = [
      { n: 0, s: '0' },
      { n: 1, s: '1' },
    ]
    const settings = { output_format_json_quote_64bit_integers: 0 as const }
    const documents = {
      JSON: objects,
      JSONCompact: [
        [0, '0'],
        [1, '1'],
      ],
      JSONStrings: [
        { n: '0', s: '0' },
        { n: '1', s: '1' },
      ],
      JSONCompactStrings: [
        ['0', '0'],
        ['1', '1'],
      ],
    } as const
    for (const [format, data] of Object.entries(documents)) {
      it(`answers ${format} as one document with meta and rows`, async () => {
        const result = await target().client.query({
          query,
          format: format as keyof typeof documents,
          clickhouse_settings: settings,
        })
        const document = (await result.json()) as { meta: unknown; data: unknown; rows: number }
        assert.deepEqual(document.meta, [
          { name: 'n', type: 'UInt64' },
          { name: 's', type: 'String' },
        ])
        assert.deepEqual(document.data, data)
        assert.equal(document.rows, 2)
      })
    }

    const lines = {
      JSONEachRow: objects,
      JSONStringsEachRow: documents.JSONStrings,
      JSONCompactEachRow: documents.JSONCompact,
      JSONCompactStringsEachRow: documents.JSONCompactStrings,
      JSONCompactEachRowWithNamesAndTypes: [['n', 's'], ['UInt64', 'String'], ...documents.JSONCompact],
    } as const
    for (const [format, data] of Object.entries(lines)) {
      it(`answers ${format} line by line`, async () => {
        const result = await target().client.query({
          query,
          format: format as keyof typeof lines,
          clickhouse_settings: settings,
        })
        assert.deepEqual(await result.json(), data)
      })
    }

    it('streams more rows than one piece of the engine holds, in order', async () => {
      const result = await target().client.query({
        query: 'SELECT number FROM numbers(300000) ORDER BY number',
        format: 'JSONCompactEachRow',
        clickhouse_settings: settings,
      })
      let expected = 0
      for await (const rows of result.stream()) {
        for (const row of rows) {
          assert.deepEqual(row.json(), [expected])
          expected += 1
        }
      }
      assert.equal(expected, 300_000)
    })

    it('answers RowBinary, Parquet and Prometheus through exec', async () => {
      const run = async (query: string): Promise<Buffer> => {
        const result = await target().client.exec({ query })
        return buffer(result.stream)
      }
      const binary = await run(`SELECT toInt32(258), 'a\\0b' FORMAT RowBinary`)
      assert.deepEqual(binary, Buffer.from([2, 1, 0, 0, 3, 97, 0, 98]))
      const parquet = await run('SELECT number FROM numbers(200000) FORMAT Parquet')
      assert.equal(parquet.subarray(0, 4).toString(), 'PAR1')
      assert.equal(parquet.subarray(-4).toString(), 'PAR1')
      const metrics = await run(
        `SELECT 'up' AS name, 1 AS value, 'h' AS help, 'gauge' AS type FORMAT Prometheus`,
      )
      assert.match(metrics.toString(), /^# HELP up h\n# TYPE up gauge\nup 1\n/)
    })

    it('takes names that look like clauses for names', async () => {
      const table = await target().table('(format Int8, settings Int8)')
      await target().client.insert({ table, values: [{ format: 1, settings: 2 }], format: 'JSONEachRow' })
      const rows = await target().rows(
        `SELECT format, settings, 'x FORMAT CSV' AS s FROM ${table} AS format /* FORMAT CSV */`,
      )
      assert.deepEqual(rows, [{ format: 1, settings: 2, s: 'x FORMAT CSV' }])
    })

    it('answers SHOW, DESCRIBE, EXISTS and EXPLAIN', async () => {
      const table = await target().table('(a Int8)')
      assert.deepEqual(await target().rows(`EXISTS TABLE ${table}`), [{ result: 1 }])
      assert.equal((await target().rows(`DESCRIBE TABLE ${table}`)).length, 1)
      assert.equal((await target().rows(`SHOW TABLES LIKE '${table}'`)).length, 1)
      assert.notEqual((await target().rows(`EXPLAIN SELECT a FROM ${table}`)).length, 0)
    })

    it('holds a result back until its end when asked to, so that a late error has a status of its own', async () => {
      const query = 'SELECT throwIf(number = 2000000) FROM numbers(3000000) FORMAT TabSeparated'
      const failing = target().client.exec({
        query,
        clickhouse_settings: { wait_end_of_query: 1, max_block_size: '65536' },
      })
      await assert.rejects(failing, { code: '395' })
      const result = await target().client.exec({
        query: 'SELECT number FROM numbers(3) FORMAT TabSeparated',
        clickhouse_settings: { wait_end_of_query: 1 },
      })
      assert.equal(await text(result.stream), '0\n1\n2\n')
    })

    it('runs 32 parametrised reads at once, each with its own parameter', async () => {
      const answers = await Promise.all(
        Array.from({ length: 32 }, (_, n) => target().rows('SELECT {n:Int32} AS n', { query_params: { n } })),
      )
      assert.deepEqual(
        answers,
        Array.from({ length: 32 }, (_, n) => [{ n }]),
      )
    })
  })
}
