import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { javaCommand } from '../../infra/local/java.ts'
import { openTarget, type Target } from '../contract/clickhouse-http/target.ts'
import { RecordingProxy } from './recording-proxy.ts'
import { outputOf, toolMissing } from './tools.ts'

const SOURCE = fileURLToPath(new URL('./clickhouse-jdbc', import.meta.url))
const SETUP_MAX_MS = 10 * 60_000

/** How the driver must understand the server: see clickhouse-jdbc/Client.java. */
const EXPECTED: Readonly<Record<string, string>> = {
  inserted: '1000',
  row: "it's row 3, kind, 2026-07-01T14:00+02:00[Europe/Berlin], 2026-07-01T12:00:00Z, 3, 0.0000",
  rows: '1000 499500',
  'many rows': '300000 44999850000',
  'unknown table': 'code 60',
  'amid the rows': 'code 395',
  tables: 'there_and_back',
  columns: 'number text kind at fine maybe list amount',
  schemas: 'true',
}

describe('clickhouse-jdbc, the driver of what runs on Java', () => {
  const reason = toolMissing([
    [javaCommand(), '--version'],
    ['mvn', '--version'],
  ])
  if (reason !== undefined) process.stdout.write(`clickhouse-jdbc is passed over: ${reason}\n`)
  const skip = reason ?? false
  let dir = ''
  let target: Target
  let proxy: RecordingProxy

  before(
    async () => {
      if (reason !== undefined) return
      dir = await mkdtemp(join(tmpdir(), 'hivemeter-clickhouse-jdbc-'))
      await outputOf('mvn', [
        '-q',
        '-B',
        '-f',
        join(SOURCE, 'pom.xml'),
        'dependency:copy-dependencies',
        '-DincludeScope=runtime',
        `-DoutputDirectory=${dir}`,
      ])
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

  // `decompress` is the driver's own name for packing what it sends.
  for (const properties of [[], ['decompress=true'], ['compress=false']]) {
    const named = properties.join(' ') || 'as it comes'
    it(`reads, writes and fails as with a server, ${named}`, { skip }, async () => {
      const output = await outputOf(javaCommand(), [
        '-XX:TieredStopAtLevel=1',
        '-cp',
        join(dir, '*'),
        join(SOURCE, 'Client.java'),
        proxy.address,
        target.database,
        ...properties,
      ])
      const lines = output.trim().split('\n')
      const { refused, role, product, database, ...answers } = Object.fromEntries(
        lines.map((line) => line.split('\t', 2)),
      ) as Record<string, string>
      assert.deepEqual(answers, EXPECTED)
      assert.match(product ?? '', /^ClickHouse \d+$/)
      assert.equal(database, target.database)
      if (target.isLocal) assert.deepEqual([refused, role], ['code 497', 'code 497'])
      await target.client.command({ query: 'DROP TABLE there_and_back' })
    })
  }

  it('asked for what it was thought to ask for', { skip }, () => {
    const { requests } = proxy
    assert.ok(requests.every(({ headers }) => headers['x-clickhouse-database'] === target.database))
    assert.ok(
      requests.every(({ headers }) => headers['x-clickhouse-format'] === 'RowBinaryWithNamesAndTypes'),
    )
    assert.ok(requests.every(({ query }) => query['database'] === undefined))
    const packed = requests.filter(({ query }) => query['compress'] === '1')
    assert.ok(packed.length > 0 && packed.length < requests.length)
    assert.ok(requests.some(({ query }) => query['decompress'] === '1'))
  })
})
