import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Target } from './target.ts'

/** Query parameters and settings: they reach their statement unharmed, and no other. */
export function describeParameters(target: () => Target): void {
  describe('parameters and settings', () => {
    const odd = `it's "q" \\ back\ttab\nline\0nul ü 😀 {x:Int8} \\' -- ;`
    const cases: readonly (readonly [type: string, value: unknown, shown: string])[] = [
      ['String', odd, odd],
      ['Int64', '-9223372036854775808', '-9223372036854775808'],
      ['UInt64', 18_446_744_073_709_551_615n, '18446744073709551615'],
      [`DateTime64(3, 'UTC')`, new Date(Date.UTC(2026, 10, 21, 1, 2, 3, 45)), '2026-11-21 01:02:03.045'],
      ['Array(String)', ["a'b", 'c\td', ''], `['a\\'b','c\\td','']`],
      ['Nullable(String)', null, 'NULL'],
      ['Map(String, UInt8)', new Map([['k', 1]]), `{'k':1}`],
      ['Bool', true, 'true'],
      [
        'Decimal(38, 9)',
        '12345678901234567890123456789.123456789',
        '12345678901234567890123456789.123456789',
      ],
    ]
    for (const [type, value, shown] of cases) {
      it(`takes ${type}`, async () => {
        const rows = await target().rows(`SELECT ifNull(toString({v:${type}}), 'NULL') AS v`, {
          query_params: { v: value },
        })
        assert.deepEqual(rows, [{ v: shown }])
      })
    }

    it('takes Identifier, in reads and as the target of an insert', async () => {
      const table = await target().table('(a Int8)')
      await target().client.command({
        query: 'INSERT INTO {t:Identifier} (a) VALUES ({a:Int8}), (2)',
        query_params: { t: table, a: 1 },
      })
      const rows = await target().rows('SELECT {c:Identifier} AS c FROM {t:Identifier} ORDER BY c', {
        query_params: { t: table, c: 'a' },
      })
      assert.deepEqual(rows, [{ c: 1 }, { c: 2 }])
    })

    it('takes long parameters: 12 kB in the URL, 60 kB and 600 kB as a form', async () => {
      const length = async (size: number, options: object): Promise<unknown> =>
        target().rows('SELECT length({v:String}) AS n, {v:String} = {w:String} AS same', {
          query_params: { v: `'${'x'.repeat(size - 2)}\\`, w: `'${'x'.repeat(size - 2)}\\` },
          ...options,
        })
      const expected = (n: number): unknown => [{ n, same: 1 }]
      assert.deepEqual(await length(6_000, {}), expected(6_000))
      assert.deepEqual(await length(30_000, { use_multipart_params_auto: true }), expected(30_000))
      assert.deepEqual(await length(300_000, { use_multipart_params: true }), expected(300_000))
    })

    it('applies settings to their statement and to no later one', async () => {
      const settingOf = async (options: object): Promise<unknown> =>
        target().rows(`SELECT getSetting('max_threads') AS a, getSetting('max_result_rows') AS b`, options)
      const before = await settingOf({})
      const changed = await settingOf({ clickhouse_settings: { max_threads: 7, max_result_rows: '12345' } })
      assert.deepEqual(changed, [{ a: 7, b: 12_345 }])
      for (let turn = 0; turn < 20; turn += 1) assert.deepEqual(await settingOf({}), before)
    })

    it('does not leak parameters into a later statement', async () => {
      await target().rows('SELECT {leak:String} AS x', { query_params: { leak: 'x' } })
      await assert.rejects(target().rows('SELECT {leak:String} AS x'), { code: '456' })
    })

    it('inserts at once by default, also where the server would gather inserts', async () => {
      if (target().isLocal) {
        assert.deepEqual(await target().rows(`SELECT getSetting('async_insert') AS a`), [{ a: false }])
      }
      const rows = await target().rows(`SELECT getSetting('async_insert') AS a`, {
        clickhouse_settings: { async_insert: 1 },
      })
      assert.deepEqual(rows, [{ a: true }])
      const table = await target().table('(a Int8)')
      await target().client.insert({ table, values: [{ a: 1 }], format: 'JSONEachRow' })
      assert.deepEqual(await target().rows(`SELECT a FROM ${table}`), [{ a: 1 }])
    })

    it('refuses a setting whose name is no name', async () => {
      const settings = { [`max_threads = 1; DROP DATABASE ${target().database}; SET x`]: '1' }
      await assert.rejects(target().rows('SELECT 1', { clickhouse_settings: settings }), { code: '115' })
      assert.deepEqual(await target().rows(`EXISTS DATABASE ${target().database}`), [{ result: 1 }])
    })
  })
}
