import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Target } from './target.ts'

const UNTIL_MAX_MS = 5_000
const POLL_MS = 20

/** Polls for a state of another process that reports no change; fails after UNTIL_MAX_MS. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + UNTIL_MAX_MS
  while (!(await holds())) {
    assert.ok(performance.now() < endMs, `${what} did not come within ${UNTIL_MAX_MS} ms`)
    await wait(POLL_MS)
  }
}

/** Statement ids, abort, sessions, compression. */
export function describeConnections(target: () => Target): void {
  /** True while a statement with this text in it runs, except this one. */
  const runs = async (mark: string): Promise<boolean> => {
    const found = await target().rows(
      `SELECT 1 FROM system.processes WHERE query LIKE {mark:String} AND query NOT LIKE '%system.processes%' AND NOT is_cancelled`,
      {
        query_params: { mark: `%${mark}%` },
      },
    )
    return found.length > 0
  }
  const slow = (mark: string): string =>
    `SELECT sleepEachRow(0.1) AS ${mark} FROM numbers(200) SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0`
  const newMark = (): string => `mark_${randomUUID().replaceAll('-', '')}`

  describe('connections', () => {
    it('answers with the id the client chose, and refuses a second statement under it', async () => {
      const queryId = randomUUID()
      const mark = newMark()
      const leave = new AbortController()
      const first = target().client.query({
        query: slow(mark),
        format: 'JSON',
        query_id: queryId,
        abort_signal: leave.signal,
      })
      const firstEnd = assert.rejects(first)
      await until('the slow read', () => runs(mark))
      await assert.rejects(target().rows('SELECT 1', { query_id: queryId }), { code: '216' })
      leave.abort()
      await firstEnd
      if (target().isLocal) await until('the end of the slow read', async () => !(await runs(mark)))
      const done = await target().client.command({ query: 'SELECT 1', query_id: randomUUID().toUpperCase() })
      assert.equal(done.query_id, done.response_headers['x-clickhouse-query-id'])
    })

    for (const format of ['JSON', 'JSONEachRow'] as const) {
      it(`ends a read in ${format} whose client leaves`, async () => {
        const mark = newMark()
        const leave = new AbortController()
        const read = async (): Promise<void> => {
          const result = await target().client.query({
            query: slow(mark),
            format,
            abort_signal: leave.signal,
            // By default a server continues; the local one always ends such a read.
            clickhouse_settings: { cancel_http_readonly_queries_on_client_close: 1 },
          })
          await result.text()
        }
        const ended = assert.rejects(read())
        await until('the slow read', () => runs(mark))
        leave.abort()
        await ended
        await until('the end of the slow read', async () => !(await runs(mark)))
      })
    }

    it('finishes an insert whose client leaves', async () => {
      const table = await target().table('(a Float64)')
      const mark = newMark()
      const leave = new AbortController()
      const insert = target().client.command({
        query: `INSERT INTO ${table} SELECT sleepEachRow(0.1) AS ${mark} FROM numbers(10)`,
        abort_signal: leave.signal,
      })
      const ended = assert.rejects(insert)
      await until('the insert', () => runs(mark))
      leave.abort()
      await ended
      await until('all rows', async () => (await target().rows(`SELECT a FROM ${table}`)).length === 10)
    })

    it('keeps temporary tables within a session', async () => {
      const session = { session_id: randomUUID() }
      const { client } = target()
      const rows = (query: string, options?: object) => target().rows(query, options)
      await client.command({ query: 'CREATE TEMPORARY TABLE kept (a Int32)', ...session })
      await client.insert({ table: 'kept', values: [{ a: 1 }], format: 'JSONEachRow', ...session })
      const settings = { max_result_rows: '777' }
      assert.deepEqual(await rows('SELECT a FROM kept', { ...session, clickhouse_settings: settings }), [
        { a: 1 },
      ])
      const [row] = await rows(`SELECT getSetting('max_result_rows') AS n`, session)
      assert.notDeepEqual(row, { n: '777' })
      await assert.rejects(rows('SELECT a FROM kept'), { code: '60' })
      await assert.rejects(rows('SELECT a FROM kept', { session_id: randomUUID() }), { code: '60' })
    })

    it('refuses two statements of one session at once', async () => {
      const session = { session_id: randomUUID() }
      const mark = newMark()
      const leave = new AbortController()
      const first = target().rows(slow(mark), { ...session, abort_signal: leave.signal })
      const ended = assert.rejects(first)
      await until('the slow read', () => runs(mark))
      await assert.rejects(target().rows('SELECT 1', session), { code: '373' })
      leave.abort()
      await ended
    })

    for (const codec of ['gzip', 'zstd', 'br'] as const) {
      it(`takes a body compressed as ${codec}`, async () => {
        const client = target().connect({ compression: { request: { codec } } })
        const table = await target().table('(a Int32, s String)')
        const values = Array.from({ length: 5_000 }, (_, a) => ({ a, s: 'x'.repeat(50) }))
        await client.insert({ table, values, format: 'JSONEachRow' })
        assert.deepEqual(await target().rows(`SELECT sum(a) AS a, sum(length(s)) AS s FROM ${table}`), [
          { a: 12_497_500, s: 250_000 },
        ])
      })
    }

    for (const codec of ['gzip', 'zstd', 'br'] as const) {
      it(`answers compressed as ${codec}`, async () => {
        const client = target().connect({ compression: { response: { codec } } })
        for (const format of ['JSON', 'JSONEachRow'] as const) {
          const result = await client.query({ query: 'SELECT number AS n FROM numbers(200000)', format })
          assert.equal(result.response_headers['content-encoding'], codec)
          const text = await result.text()
          assert.ok(text.includes('199999'))
        }
        await assert.rejects(client.query({ query: 'SELECT * FROM no_such_table' }), { code: '60' })
      })
    }
  })
}
