import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'

const PORT = 26_942
const OPS = `http://127.0.0.1:${PORT}`
const PROCESS = new URL('./process.ts', import.meta.url).href

/** A loader whose life is the given body; `parts` are in scope. */
function startService(body: string, environment: Record<string, string> = {}): ChildProcess {
  const script = `import { runService } from ${JSON.stringify(PROCESS)}
    await runService('loader', async (parts) => { ${body} })`
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HIVEMETER_'))
  return spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), HIVEMETER_LOADER_OPS_PORT: String(PORT), ...environment },
  })
}

const READY = `return {
  readiness: () => ({ waitingFor: [], halted: [] }),
  stop: async () => { parts.logger.info({}, 'stopped in order') },
  failed: new Promise(() => {}),
}`

async function outputUntil(child: ChildProcess, wanted: string): Promise<string> {
  let text = ''
  for await (const data of child.stdout as AsyncIterable<Buffer>) {
    text += data.toString()
    if (text.includes(wanted)) break
  }
  return text
}

async function endOf(child: ChildProcess): Promise<{ code: number | null; words: string }> {
  let words = ''
  child.stderr?.on('data', (data: Buffer) => (words += data.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, words }
}

describe('the life of a service', () => {
  it('answers /healthz, /readyz and /metrics, and ends with 0 after SIGTERM', async () => {
    const child = startService(READY)
    await outputUntil(child, 'loader started')
    assert.equal((await fetch(`${OPS}/healthz`)).status, 200)
    const ready = await fetch(`${OPS}/readyz`)
    assert.deepEqual(
      [ready.status, await ready.json()],
      [200, { status: 'ready', waiting_for: [], halted: [] }],
    )
    assert.match(
      await (await fetch(`${OPS}/metrics`)).text(),
      /^hivemeter_loader_groups_total\{service="loader"\} 0$/m,
    )
    const ended = endOf(child)
    child.kill('SIGTERM')
    assert.deepEqual(await ended, { code: 0, words: '' })
  })

  it('ends with 130 after SIGINT', async () => {
    const child = startService(READY)
    await outputUntil(child, 'loader started')
    const ended = endOf(child)
    child.kill('SIGINT')
    assert.equal((await ended).code, 130)
  })

  it('says for what it waits while it starts, and can be stopped then', async () => {
    const body =
      "parts.logger.info({}, 'half way'); await parts.clock.delay(60_000, parts.signal); throw new Error('x')"
    const child = startService(body)
    await outputUntil(child, 'half way')
    const answer = await fetch(`${OPS}/readyz`)
    assert.equal(answer.status, 503)
    assert.deepEqual(((await answer.json()) as { waiting_for: unknown }).waiting_for, [
      'the start of this process',
    ])
    const ended = endOf(child)
    child.kill('SIGTERM')
    assert.equal((await ended).code, 0)
  })

  it('ends when standard input closes, if a supervisor watches over it', async () => {
    const child = startService(READY, { HIVEMETER_WATCH_PARENT: '1' })
    await outputUntil(child, 'loader started')
    const ended = endOf(child)
    child.stdin?.end()
    assert.equal((await ended).code, 1)
  })

  it('ends with the code and one line of what failed', async () => {
    const cases: [string, number, string | RegExp][] = [
      ["throw new Error('no disk')", 1, 'hivemeter loader: no disk\n'],
      [
        "throw new Error('fetch', { cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }) })",
        69,
        'hivemeter loader: fetch: connect\n',
      ],
      [
        `setImmediate(() => { throw new TypeError('a bug') }); ${READY}`,
        1,
        /^TypeError: a bug\n {4}at [^]*\nhivemeter loader: ended by an error that nothing handled: a bug\n$/,
      ],
      [
        READY.replace('new Promise(() => {})', "Promise.resolve(new Error('lost'))"),
        1,
        'hivemeter loader: lost\n',
      ],
    ]
    for (const [body, code, words] of cases) {
      const child = startService(body)
      child.stdout?.resume()
      const end = await endOf(child)
      assert.equal(end.code, code)
      if (typeof words === 'string') assert.equal(end.words, words)
      else assert.match(end.words, words)
    }
  })

  it('names a taken port and its setting', async () => {
    const holder = startService(READY)
    await outputUntil(holder, 'loader started')
    const child = startService(READY)
    child.stdout?.resume()
    assert.deepEqual(await endOf(child), {
      code: 1,
      words: `hivemeter loader: Port ${PORT} on 127.0.0.1 is taken by another process. Stop it, or set HIVEMETER_LOADER_OPS_PORT to a free port.\n`,
    })
    const ended = endOf(holder)
    holder.kill('SIGTERM')
    await ended
  })

  it('does not wait for a stop that hangs longer than 8 s', async () => {
    const child = startService(
      READY.replace(
        'stop: async () => {',
        'stop: async () => { await new Promise(() => setInterval(() => {}, 1e6));',
      ),
    )
    await outputUntil(child, 'loader started')
    const ended = endOf(child)
    child.kill('SIGTERM')
    assert.deepEqual(await ended, {
      code: 1,
      words: 'hivemeter loader: did not stop within 8 s and was ended.\n',
    })
  })
})
