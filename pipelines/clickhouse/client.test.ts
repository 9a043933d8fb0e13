import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { openClickhouse } from './client.ts'
import type { RawInsert } from './client.ts'
import { ClickhouseAway, ClickhouseRefused } from './errors.ts'

/** The client against servers that misbehave; tests of everything that uses it run it against a real engine. */

const REQUEST_TIMEOUT_MS = 300

interface Seen {
  url: string
  encoding: string | undefined
  body: string
}

async function withServer(
  answer: RequestListener,
  use: (client: ReturnType<typeof openClickhouse>, seen: Seen[]) => Promise<void>,
): Promise<void> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const encoding = request.headers['content-encoding']
      seen.push({ url: request.url ?? '', encoding, body: Buffer.concat(chunks).toString('latin1') })
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const client = openClickhouse({
    url: `http://127.0.0.1:${port}`,
    user: 'u',
    password: 'p',
    database: 'd',
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  })
  try {
    await use(client, seen)
  } finally {
    await client.close()
    server.closeAllConnections()
    server.close()
  }
}

const failing =
  (status: number, code: number, text: string): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'x-clickhouse-exception-code': String(code) })
    response.end(`Code: ${code}. DB::Exception: ${text}. (SOME_NAME) (version 26.7.2.1)`)
  }

const isRefused = (code: number) => (error: unknown) =>
  error instanceof ClickhouseRefused && error.code === code
const isAway = (error: unknown) => error instanceof ClickhouseAway

const ROWS: RawInsert = { table: 't', columns: ['a'], format: 'RowBinary', body: [Buffer.from([1, 0, 255])] }

test('what the statement or its data is guilty of is a refusal', async () => {
  for (const code of [33, 47, 53, 60, 62, 117, 497]) {
    await withServer(failing(400, code, 'no'), async (client) => {
      await assert.rejects(client.rows('SELECT 1'), isRefused(code))
      await assert.rejects(client.command('DROP TABLE t'), isRefused(code))
      await assert.rejects(client.insertRaw(ROWS), isRefused(code))
    })
  }
})

test('what time, load or a replica is guilty of counts as away', async () => {
  for (const code of [159, 202, 241, 242, 243, 246, 252, 319, 999]) {
    await withServer(failing(500, code, 'not now'), async (client) => {
      await assert.rejects(client.rows('SELECT 1'), isAway)
      await assert.rejects(client.insertRaw(ROWS), isAway)
    })
  }
})

test('a password that is wrong counts as away, since it says nothing of the data, and says what to do', async () => {
  for (const code of [192, 193, 194, 516]) {
    await withServer(failing(403, code, 'no'), async (client) => {
      await assert.rejects(
        client.insertRaw(ROWS),
        (error) =>
          error instanceof ClickhouseAway &&
          error.refusal !== undefined &&
          /password is wrong\. Check HIVEMETER_CLICKHOUSE_USER/.test(error.message),
      )
    })
  }
})

test('a server that never answers, drops the line, or is not there is away', async () => {
  await withServer(
    () => {},
    async (client) => {
      await assert.rejects(client.rows('SELECT 1'), isAway)
      await assert.rejects(client.insertRaw(ROWS), isAway)
    },
  )
  await withServer(
    (request) => void request.socket.destroy(),
    async (client) => {
      await assert.rejects(client.command('SELECT 1'), isAway)
      await assert.rejects(client.insertRaw(ROWS), isAway)
    },
  )
  const nowhere = openClickhouse({ url: 'http://127.0.0.1:1', user: 'u', password: 'p', database: 'd' })
  await assert.rejects(nowhere.rows('SELECT 1'), isAway)
  await nowhere.close()
})

test('an INSERT sends its rows as they are, its settings in the URL, and never async', async () => {
  await withServer(
    (_request, response) => void response.end(),
    async (client, seen) => {
      const token = 'usage.blocks-3-usage_1m-202611-17'
      await client.insertRaw({ ...ROWS, settings: { insert_deduplication_token: token } })
      await client.insertRaw({ ...ROWS, format: 'Native' })
      const [{ url, encoding, body }, { url: native }] = seen as [Seen, Seen]
      assert.equal(
        new URL(native, 'http://localhost').searchParams.get('query'),
        'INSERT INTO t (a) FORMAT Native',
      )
      const parameters = new URL(url, 'http://localhost').searchParams
      assert.equal(parameters.get('query'), 'INSERT INTO t (a) FORMAT RowBinary')
      assert.equal(parameters.get('insert_deduplication_token'), token)
      assert.equal(parameters.get('async_insert'), '0')
      assert.equal(encoding, 'zstd')
      assert.equal(body, '\u0001\u0000\u00ff')
    },
  )
})

test('names from a block are names, never SQL', async () => {
  await withServer(
    (_request, response) => void response.end(),
    async (client, seen) => {
      for (const wrong of [
        { ...ROWS, table: 't (a) VALUES (1); DROP TABLE t' },
        { ...ROWS, columns: ['a', 'b) SELECT 1 --'] },
        { ...ROWS, table: '' },
      ]) {
        await assert.rejects(client.insertRaw(wrong), isRefused(0))
      }
      assert.equal(seen.length, 0)
    },
  )
})
