import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import lz4 from 'lz4-napi'
import { frameOf } from '../../../infra/local/clickhouse/frames.ts'
import type { Target } from './target.ts'

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  /** False where the connection ended before the last chunk. */
  readonly isWhole: boolean
}

interface Ask {
  readonly method?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** One request exactly as given, without a client that corrects anything. */
async function ask(
  target: Target,
  { method = 'POST', query = {}, headers = {}, body = '' }: Ask,
): Promise<Answer> {
  const sent = request(`${target.url}/?${new URLSearchParams(query).toString()}`, { method, headers })
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  const pieces: Buffer[] = []
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) pieces.push(piece)
  } catch {
    // The connection broke: the body ends with what came before.
  }
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    rawHeaders: answer.rawHeaders,
    body: Buffer.concat(pieces),
    isWhole: answer.complete,
  }
}

/** The content of frames, read by ClickHouse's documentation and not by the code that wrote them. */
async function unpacked(body: Buffer): Promise<Buffer> {
  const contents: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    assert.equal(body.readUInt8(at + 16), 0x82)
    const end = at + 16 + body.readUInt32LE(at + 17)
    contents.push(
      await lz4.uncompress(Buffer.concat([body.subarray(at + 21, at + 25), body.subarray(at + 25, end)])),
    )
    at = end
  }
  return Buffer.concat(contents)
}

const FAILING = "SELECT throwIf(number = 2000000, 'on purpose') FROM numbers(4000000) FORMAT TabSeparated"
const SMALL_BLOCKS = { max_block_size: '65536', max_threads: '1' }

/** Features that drivers and tools of other languages use beyond those of the official client for Node. */
export function describeDrivers(target: () => Target): void {
  describeBroken(target)
  describePacking(target)
  describeHeaders(target)
  describeProgress(target)
}

function describeBroken(target: () => Target): void {
  describe('an answer that fails on its way', () => {
    const told =
      /\r\n__exception__\r\n(\w{16})\r\nCode: 395\. DB::Exception: on purpose[^]*\d+ \1\r\n__exception__\r\n$/

    it('is broken off behind the words of the failure', async () => {
      const { status, headers, body, isWhole } = await ask(target(), { query: SMALL_BLOCKS, body: FAILING })
      assert.equal(status, 200)
      assert.equal(isWhole, false)
      const text = body.toString('latin1')
      assert.equal(told.exec(text)?.[1], headers['x-clickhouse-exception-tag'])
      assert.ok(text.startsWith('0\n0\n'))
    })

    it('is broken off as well where it is packed', async () => {
      const framed = await ask(target(), { query: { ...SMALL_BLOCKS, compress: '1' }, body: FAILING })
      assert.equal(framed.isWhole, false)
      assert.match((await unpacked(framed.body)).toString('latin1'), told)
      const gzipped = await ask(target(), {
        query: { ...SMALL_BLOCKS, enable_http_compression: '1' },
        headers: { 'accept-encoding': 'gzip' },
        body: FAILING,
      })
      assert.equal(gzipped.isWhole, false)
      if (target().isLocal) assert.match(gunzipSync(gzipped.body).toString('latin1'), told)
    })

    it('makes fetch fail, which took it for whole', async () => {
      const answer = await fetch(`${target().url}/?${new URLSearchParams(SMALL_BLOCKS).toString()}`, {
        method: 'POST',
        body: FAILING,
      })
      assert.equal(answer.status, 200)
      await assert.rejects(answer.text())
    })

    it('is whole where nothing fails, and where the failure has a status of its own', async () => {
      const good = await ask(target(), { body: 'SELECT number FROM numbers(300000) FORMAT TabSeparated' })
      assert.equal(good.isWhole, true)
      assert.equal(good.body.toString().split('\n').length, 300_001)
      const waited = await ask(target(), { query: { wait_end_of_query: '1' }, body: FAILING })
      assert.deepEqual([waited.isWhole, waited.headers['x-clickhouse-exception-code']], [true, '395'])
    })
  })
}

function describePacking(target: () => Target): void {
  describe('the frames of ClickHouse', () => {
    it('pack an answer, streamed or not, and the words of a failure', async () => {
      const query = { compress: '1' }
      for (const format of ['TabSeparated', 'JSON']) {
        const packed = await ask(target(), {
          query,
          body: `SELECT number FROM numbers(300000) FORMAT ${format}`,
        })
        const plain = await unpacked(packed.body)
        assert.equal(packed.status, 200)
        assert.ok(packed.body.length < plain.length)
        assert.ok(plain.toString().includes('299999'))
      }
      const failed = await ask(target(), { query, body: 'SELECT * FROM no_such_table' })
      assert.equal(failed.status, 404)
      assert.match((await unpacked(failed.body)).toString(), /^Code: 60\. /)
      const empty = await ask(target(), { query, body: 'SELECT 1 WHERE 0 FORMAT TabSeparated' })
      assert.equal(empty.body.length, 0)
    })

    it('pack what is sent: statements, and data apart from its statement', async () => {
      const table = await target().table('(a UInt32)')
      const query = { decompress: '1', database: target().database }
      const sent = await ask(target(), {
        query: { ...query, query: `INSERT INTO ${table} FORMAT TabSeparated` },
        body: Buffer.concat([
          await frameOf(Buffer.from('1\n2'), 'LZ4'),
          await frameOf(Buffer.from('0\n3\n'), 'ZSTD'),
          await frameOf(Buffer.from('4\n'), 'NONE'),
        ]),
      })
      assert.equal(sent.status, 200, sent.body.toString())
      const statement = await frameOf(Buffer.from(`INSERT INTO ${table} VALUES (100)`), 'LZ4')
      assert.equal((await ask(target(), { query, body: statement })).status, 200)
      assert.deepEqual(
        await target().rows(`SELECT a FROM ${table} ORDER BY a`),
        [1, 3, 4, 20, 100].map((a) => ({ a })),
      )
    })

    it('land no row where one of them is not what was sent', async () => {
      const table = await target().table('(a UInt32)')
      const good = await frameOf(Buffer.from('1\n'), 'LZ4')
      const bad = Buffer.from(good)
      bad.writeUInt8(bad.readUInt8(0) ^ 1, 0)
      for (const body of [
        Buffer.concat([good, bad]),
        Buffer.concat([good, good.subarray(0, -1)]),
        Buffer.from('1\n'),
      ]) {
        const { status } = await ask(target(), {
          query: {
            decompress: '1',
            database: target().database,
            query: `INSERT INTO ${table} FORMAT TabSeparated`,
          },
          body,
        })
        assert.ok(status >= 400)
      }
      assert.deepEqual(await target().rows(`SELECT toUInt32(count()) AS n FROM ${table}`), [{ n: 0 }])
    })
  })
}

function describeHeaders(target: () => Target): void {
  describe('what drivers say beside the statement', () => {
    it('takes format and database from headers, and the URL before them', async () => {
      const headers = {
        'x-clickhouse-format': 'JSONCompactEachRow',
        'x-clickhouse-database': target().database,
      }
      const body = 'SELECT currentDatabase()'
      const told = await ask(target(), { headers, body })
      assert.equal(told.headers['x-clickhouse-format'], 'JSONCompactEachRow')
      assert.deepEqual(JSON.parse(told.body.toString()), [target().database])
      const query = { database: 'system', default_format: 'TabSeparated' }
      assert.equal((await ask(target(), { headers, query, body })).body.toString(), 'system\n')
      const clause = await ask(target(), { headers, body: `${body} FORMAT CSV` })
      assert.equal(clause.body.toString(), `"${target().database}"\n`)
      const missing = await ask(target(), { headers: { 'x-clickhouse-database': 'no_such_database' }, body })
      assert.deepEqual([missing.status, missing.headers['x-clickhouse-exception-code']], [404, '81'])
    })

    it('refuses a role that does not exist', async () => {
      const refused = await ask(target(), { query: { role: 'no_such_role' }, body: 'SELECT 1' })
      assert.deepEqual([refused.status, refused.headers['x-clickhouse-exception-code']], [404, '511'])
      assert.match(refused.body.toString(), /UNKNOWN_ROLE/)
    })

    it('writes Native in the version that the client reads, zones included', async () => {
      const body = `SELECT toUInt8(7) AS a, toDateTime(1, 'Europe/Berlin') AS d FORMAT Native`
      const native = async (query: Readonly<Record<string, string>>): Promise<string> =>
        (await ask(target(), { query, body })).body.toString('latin1')
      const head = '\x01\x00\x02\xff\xff\xff\xff\x00'
      assert.equal(await native({}), '\x02\x01\x01a\x05UInt8\x07\x01d\x08DateTime\x01\0\0\0')
      assert.equal(
        await native({ client_protocol_version: '54400' }),
        `${head}\x02\x01\x01a\x05UInt8\x07\x01d\x19DateTime('Europe/Berlin')\x01\0\0\0`,
      )
      assert.equal(
        await native({ client_protocol_version: '54460' }),
        `${head}\x02\x01\x01a\x05UInt8\0\x07\x01d\x19DateTime('Europe/Berlin')\0\x01\0\0\0`,
      )
    })

    it('writes nothing for HEAD, as for GET', async () => {
      if (!target().isLocal) return
      const table = await target().table('(a UInt8)')
      const query = { query: `DROP TABLE ${table}`, database: target().database }
      for (const method of ['GET', 'HEAD'])
        assert.notEqual((await ask(target(), { method, query })).status, 200)
      assert.deepEqual(await target().rows(`EXISTS TABLE ${table}`), [{ result: 1 }])
    })
  })
}

function describeProgress(target: () => Target): void {
  describe('progress', () => {
    const query = { send_progress_in_http_headers: '1', wait_end_of_query: '1' }
    const SLOW = 'SELECT sleepEachRow(0.05) AS s FROM numbers(20) SETTINGS max_block_size = 1'
    const progressOf = ({ rawHeaders }: Answer): Record<string, string>[] =>
      rawHeaders.flatMap((name, at) =>
        name === 'X-ClickHouse-Progress'
          ? [JSON.parse(rawHeaders[at + 1] ?? '') as Record<string, string>]
          : [],
      )

    it('is told in headers while a statement runs, and only where it was asked for', async () => {
      const slow = await ask(target(), { query, body: `${SLOW} FORMAT JSONEachRow` })
      assert.deepEqual([slow.status, slow.isWhole], [200, true])
      assert.equal(slow.body.toString(), '{"s":0}\n'.repeat(20))
      const steps = progressOf(slow)
      assert.ok(steps.length >= 2, `${steps.length} headers`)
      const numbers = (name: string): number[] => steps.map((step) => Number(step[name]))
      for (const name of ['read_rows', 'elapsed_ns']) {
        const told = numbers(name)
        assert.deepEqual(
          told,
          told.toSorted((left, right) => left - right),
        )
        assert.ok((told.at(-1) ?? 0) > (told[0] ?? 0), name)
      }
      assert.ok(numbers('total_rows_to_read').every((rows) => rows >= 0))
      assert.notEqual(slow.headers['x-clickhouse-summary'], undefined)
      assert.deepEqual(progressOf(await ask(target(), { query: { wait_end_of_query: '1' }, body: SLOW })), [])
    })

    it('comes before a stream, and before a failure whose status is gone by then', async () => {
      if (!target().isLocal) return
      const told = { send_progress_in_http_headers: '1' }
      const streamed = await ask(target(), {
        query: { ...told, compress: '1' },
        body: `${SLOW}, max_threads = 1 FORMAT TSV`,
      })
      assert.equal(streamed.isWhole, true)
      assert.equal((await unpacked(streamed.body)).toString(), '0\n'.repeat(20))
      const failing = `SELECT sleepEachRow(0.05), throwIf(number = 9) FROM numbers(10) SETTINGS max_block_size = 1`
      const late = await ask(target(), { query, body: failing })
      assert.ok(progressOf(late).length > 0)
      assert.equal(late.headers['x-clickhouse-exception-code'], '395')
      assert.match(late.body.toString(), /^Code: 395\. /)
      const broken = await ask(target(), {
        query: told,
        body: `SELECT sleepEachRow(0.25), throwIf(number = 4) FROM numbers(6) SETTINGS max_block_size = 1, max_threads = 1 FORMAT TSV`,
      })
      assert.ok(progressOf(broken).length > 0)
      assert.equal(broken.isWhole, false)
      assert.match(broken.body.toString(), /^0\t0\n[^]*__exception__[^]*Code: 395\. /)
    })
  })
}
