import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { type LocalServer, startClickhouse } from '../../infra/local/clickhouse/start.ts'

const PORT = 26_231
const OTHER_PORT = 26_232
const WRITERS = 6
const ROWS_PER_BATCH = 200
const KILLS = 5
const BATCHES_BEFORE_KILL = 20
const ENDS_WITH_PARENT_MAX_MS = 10_000
const STOP_MAX_MS = 5_000
const MINUTE_LONG =
  'FROM numbers(600) SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0'

const MAIN = fileURLToPath(new URL('../../infra/local/clickhouse/main.ts', import.meta.url))
const START = new URL('../../infra/local/clickhouse/start.ts', import.meta.url).href

describe('local clickhouse', { timeout: 60_000 }, () => {
  let dir = ''
  const started = new Set<LocalServer>()
  /** A failed test must not leave a process behind. */
  const start = async (data: string, port = PORT): Promise<LocalServer> => {
    const server = await startClickhouse({ dir: data, port })
    started.add(server)
    void server.exited.then(() => started.delete(server))
    return server
  }
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'hivemeter-local-clickhouse-'))
  })
  after(async () => {
    for (const server of started) server.kill()
    await Promise.all([...started].map((server) => server.exited))
    await rm(dir, { recursive: true, force: true })
  })

  it('asks for its password, and refuses a foreign Host and Origin, whatever is asked', async () => {
    const passwordFile = join(dir, 'password')
    await writeFile(passwordFile, 'right\n')
    const server = await startClickhouse({ dir: join(dir, 'guarded'), port: PORT, passwordFile })
    started.add(server)
    const ask = async (headers: Record<string, string>, path = '/?query=SELECT+1'): Promise<number> => {
      const sent = request(`${server.url}${path}`, { headers }).end()
      const [answer] = (await once(sent, 'response')) as [IncomingMessage]
      answer.resume()
      return answer.statusCode ?? 0
    }
    const key = { 'x-clickhouse-key': 'right' }
    assert.equal(await ask(key), 200)
    assert.equal(await ask({}), 403)
    assert.equal(await ask({ 'x-clickhouse-key': 'wrong' }), 403)
    assert.equal(await ask({ ...key, host: 'evil.example' }), 403)
    assert.equal(await ask({ ...key, origin: 'http://evil.example' }), 403)
    assert.equal(await ask({ host: 'evil.example' }, '/ping'), 403)
    assert.equal(await ask({ host: `localhost:${PORT}` }, '/ping'), 200)
    assert.equal(await ask(key, `/?query=${encodeURIComponent("SELECT file('/etc/hostname')")}`), 403)
    await server.stop()
    started.delete(server)
  })

  it('loses no acknowledged row to kill -9, and starts again on the same directory', async (t) => {
    const data = join(dir, 'killed')
    const acknowledged = new Set<number>()
    let batch = 0
    const write = async (server: LocalServer): Promise<void> => {
      const client = openClient(server)
      const goal = acknowledged.size + BATCHES_BEFORE_KILL
      const writer = async (): Promise<void> => {
        for (;;) {
          batch += 1
          const mine = batch
          const values = Array.from({ length: ROWS_PER_BATCH }, (_, row) => ({ batch: mine, row }))
          await client.insert({ table: 'landed.rows', values, format: 'JSONEachRow' })
          acknowledged.add(mine)
          if (acknowledged.size >= goal) server.kill()
        }
      }
      // Each writer ends with the first insert that the kill cuts off.
      const ends = await Promise.allSettled(Array.from({ length: WRITERS }, writer))
      assert.ok(ends.every((end) => end.status === 'rejected'))
      assert.deepEqual(await server.exited, { code: null, signal: 'SIGKILL' })
      await client.close()
    }
    const first = await start(data)
    const setUp = openClient(first)
    await setUp.command({ query: 'CREATE DATABASE landed' })
    await setUp.command({
      query: 'CREATE TABLE landed.rows (batch UInt32, row UInt32) ENGINE = MergeTree ORDER BY (batch, row)',
    })
    await setUp.close()
    await write(first)
    for (let kill = 2; kill <= KILLS; kill += 1) await write(await start(data))

    const last = await start(data)
    assert.deepEqual(await readdir(join(data, 'spool')), [], 'what a killed process had spooled is forgotten')
    const client = openClient(last)
    const result = await client.query({
      query: 'SELECT batch, toUInt32(count()) AS n FROM landed.rows GROUP BY batch',
      format: 'JSONEachRow',
    })
    const landed = new Map(
      (await result.json<{ batch: number; n: number }>()).map(({ batch, n }) => [batch, n]),
    )
    const missing = [...acknowledged].filter((batch) => landed.get(batch) !== ROWS_PER_BATCH)
    assert.deepEqual(missing, [])
    assert.ok(
      [...landed.values()].every((n) => n === ROWS_PER_BATCH),
      'an insert into one partition is whole or absent',
    )
    t.diagnostic(
      `${KILLS} kills, ${acknowledged.size} batches acknowledged, ${landed.size} landed, of ${batch} sent`,
    )
    await client.close()
    await last.stop()
  })

  it('refuses a directory that another process has, by naming both', async () => {
    const data = join(dir, 'shared')
    const first = await start(data)
    await assert.rejects(start(data, OTHER_PORT), {
      message: `The data directory ${data} is in use by process ${first.pid}. Stop that process, or choose another directory.`,
    })
    const { code, last } = await runMain(['--dir', data, '--port', String(OTHER_PORT)])
    assert.equal(code, 1)
    assert.match(last, /is in use by process/)
    const client = openClient(first)
    assert.ok((await client.ping()).success, 'the first one goes on')
    await client.close()
    await first.stop()
    assert.deepEqual(await first.exited, { code: 0, signal: null })
  })

  it('refuses a port that is taken, by naming it', async () => {
    const holder = createServer().listen(PORT, '127.0.0.1')
    await once(holder, 'listening')
    const { code, last } = await runMain(['--dir', join(dir, 'port'), '--port', String(PORT)])
    holder.close()
    assert.equal(code, 1)
    assert.equal(
      last,
      `Port ${PORT} on 127.0.0.1 is taken by another process. Stop it, or choose another port.`,
    )
  })

  for (const [given, words] of [
    [[], /^--dir is missing/],
    [['--dir', 'x', '--port', 'y'], /^--port must be a number from 1 to 65535, not y/],
    [['--dir', 'x', '--port', '1', '--nonsense'], /^Unknown option '--nonsense'/],
  ] as const) {
    it(`refuses the arguments "${given.join(' ')}" with exit code 2`, async () => {
      const { code, last } = await runMain(given)
      assert.equal(code, 2)
      assert.match(last, words)
    })
  }

  it('ends in order on SIGTERM: reads are cancelled, a write may end', async () => {
    const data = join(dir, 'terminated')
    const server = await start(data)
    const client = openClient(server)
    await client.command({ query: 'CREATE DATABASE d' })
    await client.command({ query: 'CREATE TABLE d.t (a Float64) ENGINE = MergeTree ORDER BY a' })
    const read = assert.rejects(
      client.query({ query: `SELECT sleepEachRow(0.1) AS a ${MINUTE_LONG}`, format: 'JSON' }),
    )
    const write = client.command({ query: 'INSERT INTO d.t SELECT sleepEachRow(0.1) FROM numbers(10)' })
    const ended = Promise.all([read, write])
    await untilRunning(client, 2)
    assert.ok((await stopTimeMs(server)) < STOP_MAX_MS)
    assert.deepEqual(await server.exited, { code: 0, signal: null })
    await ended
    await client.close()

    const again = await start(data)
    const reader = openClient(again)
    const rows = await reader.query({ query: 'SELECT a FROM d.t', format: 'JSONEachRow' })
    assert.equal((await rows.json()).length, 10, 'the acknowledged write is there')
    await reader.close()
    await again.stop()
  })

  it('ends within 5 s of SIGTERM though a write would go on', async () => {
    const server = await start(join(dir, 'stubborn'))
    const client = openClient(server)
    await client.command({ query: 'CREATE DATABASE d' })
    await client.command({ query: 'CREATE TABLE d.t (a Float64) ENGINE = MergeTree ORDER BY a' })
    const write = client.command({ query: `INSERT INTO d.t SELECT sleepEachRow(0.1) ${MINUTE_LONG}` })
    const ended = assert.rejects(write, { code: '394' })
    await untilRunning(client, 1)
    assert.ok((await stopTimeMs(server)) < STOP_MAX_MS)
    assert.deepEqual(await server.exited, { code: 0, signal: null })
    await ended
    await client.close()
  })

  it('ends by itself when its parent is killed', async () => {
    const data = join(dir, 'orphaned')
    const parent = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      `const { startClickhouse } = await import(${JSON.stringify(START)})
       const server = await startClickhouse(${JSON.stringify({ dir: data, port: PORT })})
       console.log(server.pid)
       setInterval(() => {}, 1000)`,
    ])
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string]
    const pid = Number(line)
    assert.ok(isAlive(pid))
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    const endMs = performance.now() + ENDS_WITH_PARENT_MAX_MS
    // The end of a grandchild raises no event: so the test polls until it is gone.
    while (isAlive(pid)) {
      assert.ok(performance.now() < endMs, `process ${pid} outlives its parent`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const next = await start(data)
    await next.stop()
  })

  it('says why it did not start, and leaves no process', async () => {
    const data = join(dir, 'a file')
    await writeFile(data, 'not a directory')
    await assert.rejects(start(data), {
      message: `The local ClickHouse did not start: EEXIST: file already exists, mkdir '${data}'`,
    })
  })

  it('bounds bodies, and reads only over GET', async () => {
    const server = await start(join(dir, 'bounds'))
    const post = (query: string, body: string | Uint8Array<ArrayBuffer>): Promise<Response> =>
      fetch(`${server.url}/?query=${encodeURIComponent(query)}`, { method: 'POST', body })
    await post('CREATE DATABASE d', '')
    await post('CREATE TABLE d.t (a String) ENGINE = MergeTree ORDER BY a', '')
    const large = await post('INSERT INTO d.t FORMAT RawBLOB', new Uint8Array(256 * 1024 ** 2 + 1))
    assert.match(await large.text(), /^Code: 290\. DB::Exception: .* \(LIMIT_EXCEEDED\)/)
    assert.equal(large.status, 400)
    assert.deepEqual(await readdir(join(dir, 'bounds', 'spool')), [])
    const dropped = await fetch(`${server.url}/?query=DROP+TABLE+d.t`)
    assert.match(await dropped.text(), /\(READONLY\)/)
    const read = await fetch(`${server.url}/?query=SELECT+count()+FROM+d.t`)
    assert.equal(await read.text(), '0\n')
    const outfile = await post(`SELECT 1 INTO OUTFILE '${join(dir, 'out')}'`, '')
    assert.match(await outfile.text(), /INTO OUTFILE is not allowed/)
    await server.stop()
  })
})

function openClient(server: LocalServer): ClickHouseClient {
  return createClient({ url: server.url, log: { level: ClickHouseLogLevel.OFF } })
}

async function stopTimeMs(server: LocalServer): Promise<number> {
  const startedMs = performance.now()
  await server.stop()
  return performance.now() - startedMs
}

/** Polls, because the engine raises no event when a statement begins; the time of the test limits it. */
async function untilRunning(client: ClickHouseClient, statements: number): Promise<void> {
  const query = `SELECT query FROM system.processes
    WHERE query LIKE '%sleepEachRow%' AND query NOT LIKE '%system.processes%'`
  for (let running = 0; running < statements; ) {
    const result = await client.query({ query, format: 'JSONEachRow' })
    running = (await result.json()).length
  }
}

/** Runs the entry itself; for starts that end by themselves. */
async function runMain(given: readonly string[]): Promise<{ code: number | null; last: string }> {
  const child: ChildProcess = spawn(process.execPath, [MAIN, ...given], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const words: Buffer[] = []
  child.stderr?.on('data', (chunk: Buffer) => words.push(chunk))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, last: Buffer.concat(words).toString().trim().split('\n').at(-1) ?? '' }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false // ESRCH: gone.
  }
}
