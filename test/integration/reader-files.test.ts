import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { partitionOfNode } from '../../schemas/ids.ts'
import { Accounts } from '../../services/reader/present/accounts.ts'
import { eventRow } from '../support/records/event-row.ts'
import { fakeClickhouse } from '../support/servers/clickhouse.ts'
import { readParquet } from '../support/oracles/parquet-reader.ts'
import { PARTITIONS, parseCsv, startTestReader } from '../support/memory/reader.ts'
import type { TestReader } from '../support/memory/reader.ts'
import { account, accountRecord, taskRecord } from '../support/records/state-records.ts'

/** Tables as files: the content of the JSON, as CSV and Parquet, and the answer where a client has it already. */

const NODE = 'node-a'
const BASE = Date.UTC(2026, 1, 20)
const HOUR = 3_600_000
const WATERMARK = BASE + 10 * HOUR
const PARQUET = 'application/vnd.apache.parquet'
const SUMS = [
  'events',
  'inferences',
  'late_events',
  'tokens_in',
  'tokens_out',
  'gpu_ms_measured',
  'gpu_ms_estimated',
  'gpu_ms_paid_estimated',
]
const SUMS_OF_MONEY = [
  'energy_mwh_measured',
  'energy_mwh_estimated',
  'energy_mwh_compatible',
  'cost_nano_usd',
]

/** Beyond 64 bits: a century of everything at its bound. */
let largest = 3n * 10n ** 30n

const windowRow = (at: number) => ({
  start_s: (BASE + at * HOUR) / 1_000,
  model_id: ['llama', '=cmd, "x"', 'é'][at % 3],
  task_source: 'hive',
  late_ms: at % 2 === 0 ? '0' : String(BASE + at),
  ...Object.fromEntries(
    [...SUMS, ...SUMS_OF_MONEY].map((name, no) => [`sum_${name}`, String(largest / BigInt(at * 7 + no + 1))]),
  ),
})

let reader: TestReader

before(async () => {
  const rows = Array.from({ length: 24 }, (_, at) => at)
  const clickhouse = fakeClickhouse({
    rows: async (sql, { limit }: { limit: number }) => {
      if (sql.includes('watermark')) return [{ seq: '1', watermark_ms: String(WATERMARK) }]
      if (sql.includes('usage_events')) return rows.slice(0, limit).map((at) => eventRow(at, BASE))
      return rows.map(windowRow)
    },
  })
  const accounts = new Accounts(PARTITIONS)
  accounts.apply(accountRecord(partitionOfNode(NODE, PARTITIONS), account({ node_id: NODE })))
  accounts.apply(taskRecord(partitionOfNode(NODE, PARTITIONS), WATERMARK))
  reader = await startTestReader({ accounts, clickhouse, nowMs: BASE + 24 * HOUR })
})

after(() => reader[Symbol.asyncDispose]())

const RANGE = `node_id=${NODE}&from=${BASE}&to=${BASE + 24 * HOUR}`
const TABLES = [
  [`/api/usage?${RANGE}&group_by=model_id,task_source`, 'usage_node-a_1h', 'UTC'],
  [`/api/usage?${RANGE}&window=1h&tz=Asia/Kolkata`, 'usage_node-a_1h', 'Asia/Kolkata'],
  [`/api/usage/events?${RANGE}&limit=10`, 'events_node-a', 'UTC'],
] as const

interface Answer {
  readonly items: readonly Readonly<Record<string, unknown>>[]
  readonly next_cursor?: string | null
  readonly as_of: string
}

/** A row as text, whatever the order of its fields: numbers to their last digit, times in one form, amounts without trailing zeros. */
function shown(row: Readonly<Record<string, unknown>>): string[] {
  const cells = Object.entries(row).map(([name, value]) => {
    if (value === null || value === '') return `${name} nothing`
    // Labels.
    const text = typeof value === 'object' ? JSON.stringify(value) : `${value as string | number}`
    if (/_(at|start|end)$/.test(name))
      return `${name} ${Date.parse(text.replace(' ', 'T').replace(/Z?$/, 'Z'))}`
    return `${name} ${name.endsWith('_exact') ? text.replace(/\.0*$|(?<=\.\d*[1-9])0+$/, '') : text}`
  })
  return cells.toSorted()
}

/** JSON with integers of any length as text. */
const wideJson = (text: string): Answer =>
  JSON.parse(text.replaceAll(/(?<=":)\d{16,}(?=[,}])/g, '"$&"')) as Answer

for (const [url, name, zone] of TABLES) {
  test(`${url}: CSV and Parquet say what JSON says, and their heads of what they are`, async () => {
    const { items, as_of, next_cursor } = wideJson((await reader.get(url)).body)
    assert.ok(items.length >= 10)
    const [csv, parquet] = [await reader.get(url, 'text/csv'), await reader.get(url, PARQUET)]
    for (const [answer, extension] of [
      [csv, 'csv'],
      [parquet, 'parquet'],
    ] as const) {
      const { headers } = answer
      const fileName = `${name}_20260220T000000Z_20260221T000000Z_${zone.replace('/', '-')}_as-of-20260220T100000Z`
      const widened =
        zone === 'UTC'
          ? fileName
          : fileName.replace(/_2026\d{4}T\d{6}Z_2026\d{4}T\d{6}Z/, '_20260219T\\d+Z_20260221T\\d+Z')
      assert.match(
        String(headers['content-disposition']),
        new RegExp(`^attachment; filename="${widened}.${extension}"$`),
      )
      assert.deepEqual([headers['hivemeter-tz'], headers['hivemeter-as-of']], [zone, as_of])
      assert.ok(headers['hivemeter-from'] !== undefined && headers['hivemeter-to'] !== undefined)
      assert.match(String(headers['vary']), /\bAccept\b/)
      const next = next_cursor == null ? undefined : /cursor=[\w-]+>; rel="next"$/
      if (next === undefined) assert.equal(headers['link'], undefined)
      else assert.match(String(headers['link']), next)
    }
    const { rows } = await readParquet(parquet.rawPayload)
    assert.deepEqual(rows.map(shown), items.map(shown))
    // Spreadsheets would run a text that begins like this.
    const disarmed = parseCsv(csv.body)
    for (const row of disarmed)
      if (row['model_id']?.startsWith("'")) row['model_id'] = row['model_id'].slice(1)
    assert.deepEqual(disarmed.map(shown), items.map(shown))
  })
}

test('a table in a format that nobody has is refused', async () => {
  for (const [url] of TABLES) assert.equal((await reader.get(url, 'application/xml')).statusCode, 406)
})

test('who has the answer gets 304 in each format, until what it holds changes', async () => {
  for (const [url] of TABLES) {
    for (const accept of ['application/json', 'text/csv', PARQUET]) {
      const tag = String((await reader.get(url, accept)).headers['etag'])
      assert.match(tag, /^W\/"/)
      assert.equal(
        (await reader.get(url, accept, { 'if-none-match': tag })).statusCode,
        304,
        `${url} ${accept}`,
      )
      const other = accept === 'text/csv' ? 'application/json' : 'text/csv'
      assert.equal((await reader.get(url, other, { 'if-none-match': tag })).statusCode, 200)
    }
  }
  const [[url]] = TABLES
  const tag = String((await reader.get(url)).headers['etag'])
  largest += 1_000n
  assert.equal((await reader.get(url, 'application/json', { 'if-none-match': tag })).statusCode, 200)
})
