import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClickHouseError } from '@clickhouse/client'
import type { Target } from './target.ts'

/** Errors carry ClickHouse's own code and type, also in the middle of a result. */
export function describeErrors(target: () => Target): void {
  describe('errors', () => {
    const memory = { max_memory_usage: '1000000' }
    const cases: readonly (readonly [
      code: string,
      type: string,
      query: string,
      settings?: Record<string, string>,
    ])[] = [
      ['60', 'UNKNOWN_TABLE', 'SELECT * FROM no_such_table'],
      ['62', 'SYNTAX_ERROR', 'SELECT 1 +'],
      ['47', 'UNKNOWN_IDENTIFIER', 'SELECT no_such_column'],
      ['115', 'UNKNOWN_SETTING', 'SELECT 1', { no_such_setting: '1' }],
      ['456', 'UNKNOWN_QUERY_PARAMETER', 'SELECT {x:Int8}'],
      [
        '159',
        'TIMEOUT_EXCEEDED',
        'SELECT sleepEachRow(0.2) FROM numbers(20) SETTINGS max_block_size = 1',
        { max_execution_time: '1' },
      ],
      ['241', 'MEMORY_LIMIT_EXCEEDED', 'SELECT groupArray(number) FROM numbers(10000000)', memory],
      ['395', 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO', `SELECT throwIf(1, 'on purpose')`],
      ['81', 'UNKNOWN_DATABASE', 'SELECT * FROM no_such_database.t'],
      ['73', 'UNKNOWN_FORMAT', 'SELECT 1 FORMAT NoSuchFormat'],
    ]
    for (const [code, type, query, settings] of cases) {
      it(`tells ${type}`, async () => {
        const failing = target().client.exec({
          query,
          clickhouse_settings: { ...settings, wait_end_of_query: 1 },
        })
        await assert.rejects(failing, (error) => {
          assert.ok(error instanceof ClickHouseError, String(error))
          assert.deepEqual({ code: error.code, type: error.type }, { code, type })
          return true
        })
      })
    }

    it('tells BAD_QUERY_PARAMETER', async () => {
      const failing = target().rows('SELECT {x:Int8}', { query_params: { x: 'no number' } })
      await assert.rejects(failing, { code: '457', type: 'BAD_QUERY_PARAMETER' })
    })

    it('tells CANNOT_PARSE_INPUT_ASSERTION_FAILED for bad data', async () => {
      const table = await target().table('(a Int32)')
      const failing = target().send(`INSERT INTO ${table} FORMAT JSONEachRow`, Buffer.from('{"a":nothing}'))
      await assert.rejects(failing, { code: '27', type: 'CANNOT_PARSE_INPUT_ASSERTION_FAILED' })
    })

    it('refuses several statements in one request and runs none of them', async () => {
      const victim = await target().table('(a Int32)')
      for (const query of [
        `SELECT 1; DROP TABLE ${victim}`,
        `DROP TABLE ${victim}; SELECT 1`,
        `SELECT 1;; SELEC`,
        `DROP TABLE ${victim}; NONSENSE (`,
        `DROP TABLE ${victim};\n\n'`,
      ]) {
        await assert.rejects(target().client.command({ query }), { code: '62' })
      }
      assert.deepEqual(await target().rows(`EXISTS TABLE ${victim}`), [{ result: 1 }])
    })

    it('refuses an INSERT that names neither VALUES, FORMAT nor SELECT', async () => {
      const table = await target().table('(a Int32)')
      await assert.rejects(
        target().client.command({ query: `INSERT INTO ${table} (a) NONSENSE 1\n\nDROP TABLE ${table}` }),
        {
          code: '62',
        },
      )
      assert.deepEqual(await target().rows(`EXISTS TABLE ${table}`), [{ result: 1 }])
    })

    it('tells an error that comes amid the rows', async () => {
      const result = await target().client.query({
        query: 'SELECT throwIf(number = 2000000) AS x FROM numbers(4000000)',
        format: 'JSONEachRow',
        clickhouse_settings: { max_block_size: '65536', max_threads: 1 },
      })
      let rows = 0
      await assert.rejects(
        async () => {
          for await (const batch of result.stream()) rows += batch.length
        },
        { code: '395' },
      )
      assert.ok(rows > 0 && rows <= 2_000_000, `${rows} rows came before the error`)
    })

    it('refuses a wrong password and an unknown user', async () => {
      const rows = (query: string, options: object) => target().rows(query, options)
      const unknown = { username: 'nobody_here', password: 'x' }
      await assert.rejects(rows('SELECT 1', { auth: unknown }), {
        code: '516',
        type: 'AUTHENTICATION_FAILED',
      })
      await assert.rejects(rows('SELECT 1', { auth: { username: 'default', password: 'surely wrong' } }), {
        code: '516',
      })
      if (target().isLocal) {
        assert.deepEqual(await rows('SELECT 1 AS a', { auth: { username: 'default', password: '' } }), [
          { a: 1 },
        ])
      }
    })
  })
}
