import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { readMigrations } from '../../pipelines/clickhouse/migrate-files.ts'
import { settlementsOf } from '../../pipelines/clickhouse/queries/settlements.ts'
import { walletEntries } from '../../pipelines/clickhouse/queries/wallet-entries.ts'
import { systemClock } from '../../pipelines/clock.ts'
import type { TopicAppend } from '../../pipelines/log/records.ts'
import { openBlockStore } from '../../pipelines/load/store.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import { RowWriter } from '../../schemas/rowbinary.ts'
import { BLOCK_HEADER, sumColumn, TABLES, WIDENED_SUMS } from '../../schemas/tables.ts'
import type { BlockFormat } from '../../schemas/tables.ts'
import { TASK_SOURCES, USAGE_BOUNDS } from '../../schemas/usage.ts'
import { Accounts } from '../../services/reader/present/accounts.ts'
import { Differences } from '../../services/verify/differences.ts'
import { AccountTables } from '../../services/verify/account/tables.ts'
import { Tables } from '../../services/verify/tables.ts'
import { UsageTables } from '../../services/verify/usage/tables.ts'
import { SUM_COLUMNS, WINDOW_TABLES } from '../../services/verify/usage/sums.ts'
import { AggregatorLog, usageRecord } from '../support/records/aggregator-log.ts'
import { dateTime, openHistory } from '../support/records/history.ts'
import type { HistoryDatabase, HistoryRow } from '../support/records/history.ts'
import { PARTITIONS, TOPICS, parseCsv, startTestReader } from '../support/memory/reader.ts'
import type { TestReader } from '../support/memory/reader.ts'
import { readBlock } from '../support/oracles/row-reader.ts'
import { account, accountRecord } from '../support/records/state-records.ts'
import { EVENTS, EVENT_MOST, TABLE_SUMS } from '../support/oracles/sum-bounds.ts'
import { eventId, usageEvent } from '../support/records/usage-events.ts'

/**
 * The sums of every table at their bounds, on the real engine: parts from before and after the migration, merged and not.
 */

const PORT = 26_404
const QUARTER_MS = 900_000
/** The partition of the task; the windows belong to one of its nodes. */
const PARTITION = 0
const NODE = Array.from({ length: 100 }, (_, index) => `node-${index}`).find(
  (name) => partitionOfNode(name, PARTITIONS) === PARTITION,
) as string
/**
 * Minutes at this time are still kept; it is the first minute of a quarter of an hour, so that both tables have it as one
 * window.
 */
const START = Math.floor((systemClock.nowMs() - 86_400_000) / QUARTER_MS) * QUARTER_MS
const MODEL = 'model-1'

const ALL = [...SUM_COLUMNS]
type Sums = Record<(typeof SUM_COLUMNS)[number], bigint>
const isWidened = (sum: string): boolean => (WIDENED_SUMS as readonly string[]).includes(sum)
const sumsOf = (of: (sum: (typeof SUM_COLUMNS)[number]) => bigint): Sums =>
  Object.fromEntries(ALL.map((sum) => [sum, of(sum)])) as Sums

/** The sums of the window, as far as it is inserted. */
let total = sumsOf(() => 0n)
let history: HistoryDatabase
let reader: TestReader
let seq = 0

function row(sums: Sums, more: HistoryRow = {}): HistoryRow {
  seq += 1
  return {
    src_topic: TOPICS.usageBlocks,
    src_partition: PARTITION,
    src_seq: seq,
    node_id: NODE,
    window_start: dateTime(START, 0),
    model_id: MODEL,
    task_source: 'hive',
    ...sums,
    ...more,
  }
}

/** Inserts one part in each table of windows. */
async function insert(sums: Sums, more: HistoryRow = {}, whole: Sums = sums): Promise<void> {
  const one = row(sums, more)
  for (const { name } of WINDOW_TABLES) await history.insert(name, [one])
  total = sumsOf((sum) => total[sum] + whole[sum])
}

/** Columns that were added after the widening: in an older part they have the value that the migration gives them. */
const LATER: ReadonlySet<string> = new Set(['inferences', 'gpu_ms_paid_estimated'])

/** Inserts one part in each table of windows, as the former version wrote it. */
async function insertBefore(sums: Sums): Promise<void> {
  const one = Object.fromEntries(Object.entries(row(sums)).filter(([name]) => !LATER.has(name)))
  for (const { name } of WINDOW_TABLES) await history.insert(name, [one])
  const meant: Sums = { ...sums, inferences: sums.events, gpu_ms_paid_estimated: 0n }
  total = sumsOf((sum) => total[sum] + meant[sum])
}

const merges = async (verb: 'STOP' | 'START', ...tables: readonly string[]): Promise<void> => {
  for (const table of tables) await history.client.command(`SYSTEM ${verb} MERGES ${table}`)
}

async function partsOf(table: string): Promise<number> {
  const [found] = await history.client.rows<{ parts: string }>(
    'SELECT count() AS parts FROM system.parts WHERE active AND database = currentDatabase() AND table = {table:String}',
    { table },
  )
  return Number(found?.parts)
}

async function mergeAll(table: string): Promise<void> {
  await history.client.command(`OPTIMIZE TABLE ${table} FINAL`)
  assert.equal(await partsOf(table), 1, table)
}

before(async () => {
  const migrations = readMigrations()
  const widening = migrations.findIndex(({ name }) => name.endsWith('_wide_sums.sql'))
  history = await openHistory(process.env, PORT, migrations.slice(0, widening))
  const accounts = new Accounts(PARTITIONS)
  accounts.apply(accountRecord(PARTITION, account({ node_id: NODE })))
  reader = await startTestReader({ accounts, clickhouse: history.client, nowMs: START + 3_600_000 })
})

after(async () => {
  await reader?.[Symbol.asyncDispose]()
  await history?.[Symbol.asyncDispose]()
})

/** What reader and verify return for the window must be the total to its last digit. */
async function assertTotal(when: string): Promise<void> {
  const end = START + QUARTER_MS
  for (const window of ['1m', '1h', 'total']) {
    const url = `/api/usage?node_id=${NODE}&from=${START}&to=${end}&window=${window}`
    const { body } = await reader.get(url)
    const [cells = {}] = parseCsv((await reader.get(url, 'text/csv')).body)
    for (const [field, value] of [
      ['inferences', total.inferences],
      ['tokens_in', total.tokens_in],
      ['tokens_out', total.tokens_out],
      ['gpu_ms', total.gpu_ms_measured + total.gpu_ms_estimated],
      ['energy_mwh', total.energy_mwh_measured + total.energy_mwh_estimated],
    ] as const) {
      // As text: as a double all of these are rounded.
      assert.equal(new RegExp(`"${field}":(\\d+)[,}]`).exec(body)?.[1], String(value), `${when}, ${window}`)
      assert.equal(cells[field], String(value), `${when}, ${window}, CSV`)
    }
    const digits = String(total.cost_nano_usd)
      .replace(/(\d{9})$/, '.$1')
      .replace(/\.?0+$/, '')
    assert.equal(cells['usd_exact'], digits, when)
  }
  for (const table of WINDOW_TABLES) {
    const found = await new UsageTables(new Tables(history.client)).windows(
      table,
      { topic: TOPICS.usageBlocks, partition: PARTITION },
      START,
      end,
    )
    assert.equal(found.length, 1, `${when}, ${table.name}`)
    const differences = new Differences()
    await differences.compareRows(table.name, new Map([['it', total]]), [['it', found[0] ?? {}]])
    assert.deepEqual(differences.lines(), [], when)
    const oneMore = sumsOf((sum) => total[sum] + 1n)
    await differences.compareRows(table.name, new Map([['it', oneMore]]), [['it', found[0] ?? {}]])
    assert.equal(differences.count, ALL.length, 'verify sees one too few')
  }
}

test('windows hold the bound, whatever the age of their parts, before merges and after', async () => {
  // Two parts of the former version. Each sum fits 64 bits; both together do not.
  await merges('STOP', 'usage_1m', 'usage_15m')
  const half = sumsOf((sum) => (isWidened(sum) ? 2n ** 63n + 1n : (EVENTS * (EVENT_MOST[sum] ?? 0n)) / 8n))
  await insertBefore(half)
  await insertBefore(half)
  await history.migrate()
  await assertTotal('parts of before')
  // In one table older parts are merged with each other first, in the other with newer ones.
  await merges('START', 'usage_1m')
  await mergeAll('usage_1m')
  await merges('STOP', 'usage_1m')
  await assertTotal('parts of before, merged')

  // The loader's INSERTs name no such column; a sum that was stored whole is in a part, too.
  const most = sumsOf((sum) => (isWidened(sum) ? 2n ** 64n - 1n : 1n))
  await insert(most)
  const whole = sumsOf((sum) => (EVENTS * (EVENT_MOST[sum] ?? 0n)) / 2n)
  const wide = Object.fromEntries(WIDENED_SUMS.map((sum) => [sumColumn(sum), whole[sum]]))
  await insert(
    sumsOf((sum) => (isWidened(sum) ? 5n : whole[sum])),
    wide,
    whole,
  )
  assert.deepEqual([await partsOf('usage_1m'), await partsOf('usage_15m')], [3, 4])
  await assertTotal('parts of before and after')

  await merges('START', 'usage_1m', 'usage_15m')
  for (const { name } of WINDOW_TABLES) await mergeAll(name)
  await assertTotal('merged')
  assert.ok(total.energy_mwh_measured > 2n ** 80n)
})

test('a block as the aggregator writes it is added, and merged, whole', async () => {
  const { tokensMax, durationMsMax, energyMwhMax, costNanoUsdMax } = USAGE_BOUNDS
  const common = {
    node_id: NODE,
    model_id: MODEL,
    task_source: 'hive' as const,
    occurred_at: START,
    tokens_in: tokensMax,
    tokens_out: tokensMax,
    cost_nano_usd: costNanoUsdMax,
  }
  const largest = { duration_ms: durationMsMax, gpu_ms: durationMsMax, energy_mwh: energyMwhMax }
  const events = Array.from({ length: 100 }, (_, index) =>
    usageEvent({
      ...common,
      event_id: eventId(index),
      ...(index % 2 === 0
        ? { ...largest, energy_source: 'meter' }
        : { duration_ms: null, gpu_ms: null, energy_mwh: null, energy_source: 'none' }),
    }),
  )
  const input = [
    usageRecord(0, START + 1_000, events.slice(0, 50)),
    usageRecord(1, START + 1_000, events.slice(50)),
  ]
  const log = new AggregatorLog({ partitions: PARTITIONS, input })
  await log.singles(2)
  const blocks = log.committed.filter(
    ({ topic, headers }) =>
      topic === TOPICS.usageBlocks && String(headers?.[BLOCK_HEADER.table]).startsWith('usage_1'),
  )
  assert.equal(blocks.length, 4)
  for (const block of blocks) {
    const { table, rows } = readBlock(block)
    assert.equal(rows.length, 1)
    await load(block)
    if (table === TABLES.usage1m.name) {
      total = sumsOf((sum) => total[sum] + (rows[0]?.[sum] as bigint))
    }
  }
  await assertTotal('loaded')
  for (const { name } of WINDOW_TABLES) await mergeAll(name)
  await assertTotal('loaded and merged')
})

test('rows of one window in one INSERT, which the engine adds up before it writes them, are widened first', async () => {
  const most = 2n ** 63n - 1n
  const rows = 3
  const writer = new RowWriter()
  for (let number = 0; number < rows; number++) {
    writer.string(TOPICS.usageBlocks)
    writer.u16(PARTITION)
    writer.u64(++seq)
    writer.string(NODE)
    writer.u32(START / 1_000)
    writer.string(MODEL)
    writer.u8(TASK_SOURCES.indexOf('hive'))
    writer.u64(0)
    for (const sum of ALL.slice(0, -1)) {
      if (LATER.has(sum)) writer.i128(1n)
      else writer.i64(isWidened(sum) ? most : 1n)
    }
    writer.i128(most)
  }
  const body = zstdCompressSync(writer.take())
  for (const { name, columns } of [TABLES.usage1m, TABLES.usage15m]) {
    await history.client.insertRaw({ table: name, columns, format: 'RowBinary', body: [body] })
  }
  total = sumsOf((sum) => total[sum] + BigInt(rows) * (isWidened(sum) || sum === 'cost_nano_usd' ? most : 1n))
  await assertTotal('several rows in one INSERT')
})

/** Inserts as the loader does: the rows of the block, under the columns that it names. */
async function load({ value, headers = {} }: TopicAppend): Promise<void> {
  const text = (name: string): string => String(headers[name])
  const insertOf = {
    table: text(BLOCK_HEADER.table),
    columns: text(BLOCK_HEADER.columns).split(','),
    format: text(BLOCK_HEADER.format) as BlockFormat,
    month: text(BLOCK_HEADER.tablePartition),
    firstSeq: Number(text(BLOCK_HEADER.seq)),
    body: [{ rows: value ?? Buffer.alloc(0), packed: text(BLOCK_HEADER.encoding) === 'zstd' }],
  }
  await openBlockStore(history.client).insert(insertOf, `token ${insertOf.table} ${insertOf.firstSeq}`)
}

test('decisions, settlements and legs hold the bound, and one of before is what its 64 bits say', async () => {
  const money = { src_topic: TOPICS.settlementBlocks, src_partition: PARTITION, node_id: NODE }
  const most = 2n ** 63n - 1n
  const at = dateTime(START, 3)
  const bounds = TABLE_SUMS
  const spent = bounds['cost_decisions']?.['day_spent_nano_usd'] ?? 0n
  const paid = bounds['settlements']?.['micro_spark'] ?? 0n
  const nanoUsd = bounds['settlements']?.['cost_nano_usd'] ?? 0n
  const earned = bounds['wallet_ledger']?.['micro_spark'] ?? 0n
  const costs = bounds['settlements']?.['costs'] ?? 0n
  for (const [number, whole] of [
    [1, null],
    [2, { day_spent_before_nano_usd: spent }],
  ] as const) {
    await history.insert('cost_decisions', [
      { ...money, src_seq: number, cost_seq: number, decided_at: at, day_spent_nano_usd: most, ...whole },
    ])
  }
  for (const [number, whole] of [
    [1, null],
    [2, { paid_micro_spark: paid }],
  ] as const) {
    await history.insert('settlements', [
      {
        ...money,
        src_seq: number,
        from_seq: number - 1,
        to_seq: number,
        costs,
        cost_nano_usd: nanoUsd,
        settled_at: at,
        micro_spark: most,
        ...whole,
      },
    ])
  }
  for (const [number, whole] of [
    [1, null],
    [2, { amount_micro_spark: earned }],
    [3, { amount_micro_spark: -earned, micro_spark: -most }],
  ] as const) {
    await history.insert('wallet_ledger', [
      { ...money, src_seq: number, wallet_id: 'ana', booked_at: at, micro_spark: most, ...whole },
    ])
  }

  const { client } = history
  const source = { topic: TOPICS.settlementBlocks, partition: PARTITION }
  const settled = await settlementsOf(client, {
    nodeId: NODE,
    source,
    loaded: { seq: '9', watermarkMs: START },
    afterSeq: '0',
    limit: 10,
  })
  assert.deepEqual(
    settled.map((one) => [one.costs, one.cost_nano_usd, one.spark]),
    [most, paid].map((microSpark) => [costs, nanoUsd, microSpark / 1_000_000n].map(String)),
  )
  const entries = await walletEntries(client, {
    walletId: 'ana',
    beforeMs: START + 1,
    after: null,
    limit: 10,
  })
  assert.deepEqual(
    entries.map(({ micro_spark }) => micro_spark),
    [most, earned, -earned].map(String),
  )

  const tables = new AccountTables(new Tables(client))
  const blocks = { ...source, seqBelow: 10 }
  const cellsOf = async (
    rows: AsyncIterable<Record<string, unknown>>,
    column: string,
  ): Promise<unknown[]> => {
    const cells: unknown[] = []
    for await (const found of rows) cells.push(found[column])
    return cells
  }
  assert.deepEqual(
    await cellsOf(tables.decisions(blocks), 'day_spent_before_nano_usd'),
    [most, spent].map(String),
  )
  assert.deepEqual(await cellsOf(tables.settlements(blocks), 'paid_micro_spark'), [most, paid].map(String))
  assert.deepEqual(
    await cellsOf(tables.ledger(blocks), 'amount_micro_spark'),
    [most, earned, -earned].map(String),
  )
})
