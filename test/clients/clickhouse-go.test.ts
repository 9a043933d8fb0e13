import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openTarget, type Target } from '../contract/clickhouse-http/target.ts'
import { RecordingProxy } from './recording-proxy.ts'
import { outputOf, toolMissing } from './tools.ts'

const SOURCE = fileURLToPath(new URL('./clickhouse-go', import.meta.url))
const SETUP_MAX_MS = 10 * 60_000

/** How the driver must understand the server, however it packs: see clickhouse-go/main.go. */
const EXPECTED: Readonly<Record<string, readonly unknown[]>> = {
  row: [
    {
      text: 'row 3',
      kind: 'kind',
      at: '2026-07-01T14:00:00+02:00',
      zone: 'Europe/Berlin',
      fine: 'UTC',
      plain: 'UTC',
      maybe: 3,
      choice: 'b',
      id: '00000000-0000-0000-0000-000000000000',
      pair: [0, ''],
      amount: '0',
      wide: '0',
    },
  ],
  rows: [[20_000, 400_020_000]],
  parameters: ["it's 10"],
  'no rows': ['none'],
  'unknown table': [60],
  'amid the rows': [395],
  'amid a raw format': [[true, 395]],
  several: [62],
  role: [511],
  'with progress': [null],
  grafana: [
    ['String', 1],
    ['String', 1],
    ['UInt64', 1],
    ['DateTime', 1],
  ],
}

describe('clickhouse-go, the driver of Grafana’s data source', () => {
  const reason = toolMissing([['go', 'version']])
  if (reason !== undefined) process.stdout.write(`clickhouse-go is passed over: ${reason}\n`)
  const skip = reason ?? false
  let dir = ''
  let target: Target
  let proxy: RecordingProxy

  before(
    async () => {
      if (reason !== undefined) return
      dir = await mkdtemp(join(tmpdir(), 'hivemeter-clickhouse-go-'))
      await outputOf('go', ['build', '-o', join(dir, 'client'), '.'], { cwd: SOURCE })
      target = await openTarget(process.env['HIVEMETER_CLICKHOUSE_URL'])
      proxy = await RecordingProxy.start(target.url)
    },
    { timeout: SETUP_MAX_MS },
  )
  after(async () => {
    if (reason !== undefined) return
    await proxy.stop()
    await target.close()
    await rm(dir, { recursive: true, force: true })
  })

  const answersOf = async (method: string): Promise<Record<string, unknown[]>> => {
    const output = await outputOf(join(dir, 'client'), [proxy.address, target.database, method])
    const answers: Record<string, unknown[]> = {}
    for (const line of output.trim().split('\n')) {
      const { name, value } = JSON.parse(line) as { name: string; value: unknown }
      const values = (answers[name] ??= [])
      values.push(value)
    }
    return answers
  }

  for (const method of ['default', 'lz4', 'zstd', 'gzip']) {
    it(`reads, writes and fails as with a server, packing: ${method}`, { skip }, async () => {
      const { refused, ...answers } = await answersOf(method)
      assert.deepEqual(answers, EXPECTED)
      // Another server has other files to read, and other users with rights to them.
      if (target.isLocal) assert.deepEqual(refused, [497])
    })
  }

  it('asked for what it was thought to ask for', { skip }, () => {
    const { requests } = proxy
    assert.ok(requests.every(({ query }) => query['client_protocol_version'] === '54460'))
    assert.ok(requests.every(({ query }) => query['database'] === target.database))
    for (const method of ['LZ4', 'ZSTD']) {
      const packed = requests.filter(({ query }) => query['network_compression_method'] === method)
      assert.ok(packed.some(({ query }) => query['compress'] === '1' && query['decompress'] === undefined))
      assert.ok(
        packed.some(({ query }) => query['decompress'] === '1' && query['query']?.startsWith('INSERT ')),
      )
    }
    assert.ok(requests.some(({ headers }) => headers['accept-encoding'] === 'gzip'))
    assert.ok(requests.some(({ headers }) => headers['content-encoding'] === 'gzip'))
  })
})
