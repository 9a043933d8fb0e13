import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readMigrations } from '../../pipelines/clickhouse/migrate-files.ts'
import { systemClock } from '../../pipelines/clock.ts'
import type { TopicAppend } from '../../pipelines/log/records.ts'
import { openBlockStore } from '../../pipelines/load/store.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import { BLOCK_HEADER } from '../../schemas/tables.ts'
import type { BlockFormat } from '../../schemas/tables.ts'
import { NO_MORE } from '../../schemas/usage.ts'
import { Accounts } from '../../services/reader/present/accounts.ts'
import { Differences } from '../../services/verify/differences.ts'
import { Tables } from '../../services/verify/tables.ts'
import { UsageTables } from '../../services/verify/usage/tables.ts'
import { UsageModel } from '../../services/verify/usage/model.ts'
import { eventKey, eventRow } from '../../services/verify/usage/rows.ts'
import { AggregatorLog, usageRecord } from '../support/records/aggregator-log.ts'
import { dateTime, openHistory } from '../support/records/history.ts'
import type { HistoryDatabase } from '../support/records/history.ts'
import { PARTITIONS, TOPICS, parseCsv, startTestReader } from '../support/memory/reader.ts'
import type { TestReader } from '../support/memory/reader.ts'
import { account, accountRecord } from '../support/records/state-records.ts'
import { eventId, usageEvent } from '../support/records/usage-events.ts'

/** Fields that few events have, from the record to ClickHouse, the reader and verify, beside older rows. */

const PORT = 26_406
const DAY_MS = 86_400_000
const PARTITION = 0
const NODE = Array.from({ length: 100 }, (_, index) => `node-${index}`).find(
  (name) => partitionOfNode(name, PARTITIONS) === PARTITION,
) as string
const START = Math.floor((systemClock.nowMs() - DAY_MS) / 900_000) * 900_000
const common = { node_id: NODE, model_id: 'llama', occurred_at: START }
const labelled = (team: string, more: object = {}) => ({
  ...NO_MORE,
  labels: [{ name: 'team', value: team }],
  ...more,
})

const EVENTS = [
  usageEvent({ ...common, event_id: eventId(1), tokens_in: 5, gpu_ms: 7, cost_nano_usd: 10 }),
  usageEvent({
    ...common,
    event_id: eventId(2),
    tokens_in: 1e12,
    tokens_out: 9,
    cost_nano_usd: 20,
    more: labelled('näme', { inferences: 270, execution: 'api', tokens_cached: 3, tokens_reasoning: 9 }),
  }),
  // 8 GPUs for 24 hours.
  usageEvent({
    ...common,
    event_id: eventId(3),
    gpu_ms: 8 * DAY_MS * 7,
    cost_nano_usd: 30,
    more: labelled('red', { gpus: 8, execution: 'local' }),
  }),
  usageEvent({ ...common, event_id: eventId(4), cost_nano_usd: 40, more: labelled('red') }),
]

let history: HistoryDatabase
let reader: TestReader

before(async () => {
  const migrations = readMigrations()
  const adding = migrations.findIndex(({ name }) => name.endsWith('_more_fields.sql'))
  history = await openHistory(process.env, PORT, migrations.slice(0, adding))
  const accounts = new Accounts(PARTITIONS)
  accounts.apply(accountRecord(PARTITION, account({ node_id: NODE })))
  reader = await startTestReader({ accounts, clickhouse: history.client, nowMs: START + 3_600_000 })
})

after(async () => {
  await reader?.[Symbol.asyncDispose]()
  await history?.[Symbol.asyncDispose]()
})

/** Inserts as the loader does: the rows of the block, under the columns that it names. */
async function load({ value, headers = {} }: TopicAppend): Promise<void> {
  const text = (name: string): string => String(headers[name] ?? '')
  const insertOf = {
    table: text(BLOCK_HEADER.table),
    columns: text(BLOCK_HEADER.columns).split(','),
    format: (text(BLOCK_HEADER.format) || 'RowBinary') as BlockFormat,
    month: text(BLOCK_HEADER.tablePartition),
    firstSeq: Number(text(BLOCK_HEADER.seq)),
    body: [{ rows: value ?? Buffer.alloc(0), packed: text(BLOCK_HEADER.encoding) === 'zstd' }],
  }
  await openBlockStore(history.client).insert(insertOf, `token ${insertOf.table} ${insertOf.firstSeq}`)
}

const range = `node_id=${NODE}&from=${START}&to=${START + 900_000}`
const itemsOf = async (url: string): Promise<Record<string, unknown>[]> => {
  const answer = await reader.get(url)
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json<{ items: Record<string, unknown>[] }>().items
}

test('rows of before mean what they said; new ones are read whole, and verify finds no difference', async () => {
  await history.insert('usage_events', [
    {
      src_topic: 'before',
      src_partition: PARTITION,
      src_seq: 1,
      node_id: NODE,
      event_id: '00000000-0000-0000-0000-0000000000ff',
      model_id: 'llama',
      task_source: 'hive',
      occurred_at: dateTime(START, 3),
      received_at: dateTime(START, 3),
      tokens_in: 11,
      tokens_out: 12,
      gpu_ms: 13,
    },
  ])
  await history.migrate()
  // Each in a block of its own, and all in one: with the columns, and without them.
  const input = [
    usageRecord(0, START + 1_000, EVENTS.slice(0, 1)),
    usageRecord(1, START + 1_000, EVENTS.slice(1)),
  ]
  const log = new AggregatorLog({ partitions: PARTITIONS, input })
  await log.singles(2)
  const blocks = log.committed.filter(({ topic }) => topic === TOPICS.usageBlocks)
  assert.ok(blocks.length >= 8)
  for (const block of blocks) await load(block)

  const model = new UsageModel({
    partition: PARTITION,
    partitions: PARTITIONS,
    models: [],
    modelsVersion: 0,
    since: log.task()?.since ?? [],
  })
  const counted = input.flatMap((record) => model.apply(record).counted)
  assert.equal(counted.length, EVENTS.length)
  const found = await new UsageTables(new Tables(history.client)).events(
    { topic: TOPICS.usageBlocks, partition: PARTITION, seqBelow: 1_000 },
    0n,
    10n,
    0,
  )
  const differences = new Differences()
  await differences.compareRows(
    'usage_events',
    new Map(counted.map((one) => [eventKey(one.record.offset, one.index), eventRow(one)])),
    found.map((row) => [eventKey(String(row['record_offset']), String(row['record_index'])), row]),
  )
  assert.deepEqual(differences.lines(), [])

  const items = await itemsOf(`/api/usage/events?${range}`)
  const shown = items.map((item) =>
    [
      'tokens_in',
      'gpu_ms',
      'inferences',
      'gpus',
      'execution',
      'tokens_cached',
      'tokens_reasoning',
      'labels',
    ].map((name) => item[name]),
  )
  assert.deepEqual(shown, [
    [11, 13, 1, 1, null, null, null, {}],
    [5, 7, 1, 1, null, null, null, {}],
    [1e12, 1e12 + 9, 270, 1, 'api', 3, 9, { team: 'näme' }],
    [0, 8 * DAY_MS * 7, 1, 8, 'local', null, null, { team: 'red' }],
    [0, 0, 1, 1, null, null, null, { team: 'red' }],
  ])
})

test('windows count calls, and single events answer by their labels', async () => {
  const [window] = await itemsOf(`/api/usage?${range}&window=total`)
  assert.equal(window?.['inferences'], 273)
  assert.equal(window?.['tokens_in'], 1e12 + 5)

  const byTeam = await itemsOf(`/api/usage?${range}&window=total&group_by=label.team`)
  assert.deepEqual(
    byTeam.map(({ label, inferences, usd_exact }) => [label, inferences, usd_exact]),
    [
      [null, 2, '0.00000001'],
      ['näme', 270, '0.00000002'],
      ['red', 2, '0.00000007'],
    ],
  )
  const red = await itemsOf(`/api/usage?${range}&window=1h&group_by=model_id&label.team=red`)
  assert.deepEqual(
    red.map(({ model_id, inferences, gpu_ms }) => [model_id, inferences, gpu_ms]),
    [['llama', 2, 8 * DAY_MS * 7]],
  )
  assert.deepEqual(await itemsOf(`/api/usage?${range}&window=total&label.team=blue`), [])
  const events = await itemsOf(`/api/usage/events?${range}&label.team=red`)
  assert.equal(events.length, 2)
  const csv = await reader.get(`/api/usage?${range}&window=total&group_by=label.team`, 'text/csv')
  assert.deepEqual(
    parseCsv(csv.body).map(({ label }) => label),
    ['', 'näme', 'red'],
  )
})

test('labels are asked for within their bounds', async () => {
  const codeOf = async (query: string): Promise<unknown> =>
    (await reader.get(`/api/usage?node_id=${NODE}&${query}`)).json<Record<string, unknown>>()['code']
  const old = START - 60 * DAY_MS
  assert.equal(await codeOf(`from=${old}&to=${START}&window=1d&label.team=red`), 'windows_expired')
  assert.equal(await codeOf('group_by=label.team,label.other'), 'invalid_request')
  assert.equal(await codeOf('group_by=label.Team'), 'invalid_request')
  assert.equal(await codeOf('label.=red'), 'invalid_request')
  assert.equal(await codeOf('labels.team=red'), 'invalid_request')
  await history.client.command(
    `INSERT INTO usage_events
       (src_topic, src_partition, src_seq, node_id, event_id, model_id, task_source, occurred_at, received_at, labels)
     SELECT 'before', 0, 2, {node:String}, generateUUIDv4(number), 'llama', 'hive', at, at, map('team', toString(number))
     FROM (SELECT number, fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC') AS at FROM numbers(1001))`,
    { node: NODE, at_ms: START - 3_600_000 },
  )
  const hourBefore = `from=${START - 7_200_000}&to=${START}&window=total`
  assert.equal(await codeOf(`${hourBefore}&group_by=label.team`), 'too_many_groups')
  assert.equal(await codeOf(`${hourBefore}&group_by=label.other`), undefined)
})
