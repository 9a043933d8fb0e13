import assert from 'node:assert/strict'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startChild } from '../../infra/local/child.ts'
import type { Engine } from '../../infra/local/clickhouse/engine.ts'
import { ClickhouseError } from '../../infra/local/clickhouse/errors.ts'
import type { Connection } from '../../infra/local/clickhouse/native.ts'
import { Sessions } from '../../infra/local/clickhouse/session.ts'
import { BODY_MAX_BYTES, bounded } from '../../infra/local/clickhouse/spool.ts'
import { lastWords } from '../../infra/local/last-words.ts'
import { bound } from '../support/oracles/named-bounds.ts'

const hasCode = (code: number) => (error: unknown) => error instanceof ClickhouseError && error.code === code

test('SESSIONS_MAX: one session more is refused with 202, as a server does', () => {
  const sessionsMax = bound('infra/local/clickhouse/session.ts', 'SESSIONS_MAX')
  let open = 0
  const engine = {
    connect: () => {
      open += 1
      return {} as Connection
    },
    disconnect: () => (open -= 1),
  } as unknown as Engine
  const sessions = new Sessions(engine)
  const none = new URLSearchParams()
  const holds = Array.from({ length: sessionsMax }, (_, id) => sessions.hold(`s${id}`, none))
  assert.throws(() => sessions.hold('one more', none), hasCode(202))
  assert.equal(open, sessionsMax)
  for (const hold of holds) hold.release()
  sessions.close()
  assert.equal(open, 0)
})

test('TIMEOUT_DEFAULT_SECONDS and TIMEOUT_MAX_SECONDS: how long a session that nobody uses is kept', (t) => {
  const file = 'infra/local/clickhouse/session.ts'
  t.mock.timers.enable({ apis: ['setTimeout'] })
  for (const [requested, keptSeconds] of [
    [null, bound(file, 'TIMEOUT_DEFAULT_SECONDS')],
    [bound(file, 'TIMEOUT_MAX_SECONDS'), bound(file, 'TIMEOUT_MAX_SECONDS')],
    [bound(file, 'TIMEOUT_MAX_SECONDS') + 1, bound(file, 'TIMEOUT_MAX_SECONDS')],
  ] as const) {
    let ended = 0
    const engine = { connect: () => ({}), disconnect: () => (ended += 1) } as unknown as Engine
    const query = new URLSearchParams(requested === null ? {} : { session_timeout: String(requested) })
    new Sessions(engine).hold('s', query).release()
    t.mock.timers.tick(keptSeconds * 1_000 - 1)
    assert.equal(ended, 0)
    t.mock.timers.tick(1)
    assert.equal(ended, 1)
  }
})

test('BODY_MAX_BYTES: a larger body is refused with 290; beyond BODY_HEARD_MAX_BYTES it is not heard to its end', async () => {
  const heardMax = bound('infra/local/clickhouse/spool.ts', 'BODY_HEARD_MAX_BYTES')
  const chunk = Buffer.alloc(1_048_576)
  let given = 0
  async function* body(bytes: number) {
    for (given = 0; given < bytes; ) {
      const next = chunk.subarray(0, Math.min(chunk.length, bytes - given))
      given += next.length
      yield next
    }
  }
  const passed = async (bytes: number): Promise<number> => {
    let sum = 0
    for await (const part of bounded(body(bytes))) sum += part.length
    return sum
  }
  assert.equal(await passed(BODY_MAX_BYTES), BODY_MAX_BYTES)
  await assert.rejects(passed(BODY_MAX_BYTES + 1), hasCode(290))
  await assert.rejects(passed(heardMax), hasCode(290))
  assert.equal(given, heardMax)
  await assert.rejects(passed(heardMax + 2 * chunk.length), hasCode(290))
  assert.ok(given <= heardMax + chunk.length)
})

test('LOG_BYTES_MAX: a log longer than this is set aside at the next start; TAIL_BYTES, LINES_MAX, LINE_CHARACTERS_MAX are shown of it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hivemeter-bounds-'))
  try {
    const bytesMax = bound('infra/local/child.ts', 'LOG_BYTES_MAX')
    const logFile = join(folder, 'part.log')
    const isSetAside = async (sizeBytes: number): Promise<boolean> => {
      const log = await open(logFile, 'w')
      await log.truncate(sizeBytes)
      await log.close()
      const child = await startChild({ command: process.execPath, args: ['--version'], logFile })
      await child.exited
      return await stat(`${logFile}.1`).then(
        ({ size }) => size === sizeBytes,
        () => false,
      )
    }
    assert.equal(await isSetAside(bytesMax), false)
    assert.equal(await isSetAside(bytesMax + 1), true)

    const words = 'infra/local/last-words.ts'
    const [tailBytes, linesMax, charactersMax] = (
      ['TAIL_BYTES', 'LINES_MAX', 'LINE_CHARACTERS_MAX'] as const
    ).map((name) => bound(words, name)) as [number, number, number]
    const say = async (text: string): Promise<string[]> => {
      const log = await open(logFile, 'w')
      await log.writeFile(text)
      await log.close()
      return lastWords(logFile)
    }
    const line = 'x'.repeat(charactersMax)
    assert.deepEqual(await say(`${line}\n`.repeat(linesMax)), Array(linesMax).fill(line))
    assert.deepEqual(await say(`old\n${`${line}y\n`.repeat(linesMax)}`), Array(linesMax).fill(line))
    // An alarm counts within the tail that is read, and not before it.
    const alarm = 'ERROR it ended'
    const rest = (bytes: number) => `${'\n'.repeat(bytes - 3)}so\n`
    assert.deepEqual(await say(`${alarm}\n${rest(tailBytes - alarm.length - 1)}`), [alarm])
    assert.deepEqual(await say(`${alarm}\n${rest(tailBytes)}`), ['so'])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
