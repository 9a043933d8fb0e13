import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import { deleteRecordsBefore, logRanges, withAdmin } from '../../pipelines/kafka/kafkajs/admin.ts'
import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { SCHEMA_ID, accountCodec, schemaIdOf } from '../../schemas/avro.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { Account } from '../../schemas/records.ts'
import type { TopicRole } from '../../schemas/topics.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { auditAppend } from '../../services/audit/audit-log.ts'
import { seen } from '../support/records/inbox-requests.ts'
import { install } from '../support/processes/installation.ts'
import type { CommandEnd, Installation } from '../support/processes/installation.ts'
import { UsageMaker, nodesOf, openUsageProducer, usageRecord } from '../support/records/produce.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { verified } from '../support/oracles/verified.ts'

const PARTITIONS = 2
const NODES = 6
const RECORDS = 40
const EVENTS_PER_RECORD = 25

/** One cell of each table, changed directly in ClickHouse; the row is the first by the order given. */
const ALTERATIONS = [
  {
    table: 'usage_events',
    column: 'tokens_in',
    order: 'record_offset, record_index',
    key: ['record_offset', 'record_index'],
  },
  {
    table: 'usage_1m',
    column: 'wide_duration_ms',
    order: 'node_id, window_start',
    key: ['src_seq', 'node_id', 'window_start', 'model_id', 'task_source'],
  },
  {
    table: 'usage_15m',
    column: 'late_events',
    order: 'node_id, window_start',
    key: ['src_seq', 'node_id', 'window_start', 'model_id', 'task_source'],
  },
  {
    table: 'usage_1m',
    column: 'late_at',
    order: 'late_at DESC, node_id, window_start, model_id, task_source',
    key: ['src_seq', 'node_id', 'window_start', 'model_id', 'task_source'],
  },
  { table: 'cost_decisions', column: 'spark', order: 'node_id, cost_seq', key: ['node_id', 'cost_seq'] },
  { table: 'settlements', column: 'costs', order: 'node_id, to_seq', key: ['node_id', 'to_seq'] },
  { table: 'wallet_ledger', column: 'amount_micro_spark', order: 'wallet_id, entry_id', key: ['entry_id'] },
  { table: 'audit', column: 'times', order: 'kind DESC, entry_id', key: ['entry_id'] },
] as const

describe('verify', () => {
  let installation: Installation
  let services: Record<'aggregator' | 'settler' | 'loader', ServiceProcess>
  const maker = new UsageMaker(11, systemRandom.bytes(8))

  before(async () => {
    installation = await install({ name: 'verify', partitions: PARTITIONS })
    await send(40)
    await sendWhatIsSetAside()
    await sendAudit()
    services = await startServices(installation, 'aggregator', 'settler', 'loader')
  })

  after(async () => {
    await Promise.all(Object.values(services).map((service) => service.stop()))
    await installation.dispose()
  })

  /** Records of both partitions, with repeats, late events and nodes that have no operator yet. */
  async function send(records: number): Promise<void> {
    const producer = openUsageProducer(installation)
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const nodes = nodesOf(partition, PARTITIONS, NODES)
      const sent: UsageEvent[] = []
      for (let record = 0; record < records; record += 1) {
        const events = Array.from({ length: EVENTS_PER_RECORD }, (_, index) => {
          const node = nodes[(record + index) % NODES] ?? ''
          const repeated = sent[record * 7 + index]
          if (index % 9 === 0 && repeated !== undefined) return repeated
          const unowned = node === nodes[0] && record < RECORDS / 2 ? { operator_id: null } : {}
          const late = index === 3 ? { occurred_at: systemClock.nowMs() - record * 3_600_000 } : {}
          return maker.event(node, { ...unowned, ...late })
        })
        sent.push(...events)
        await producer.append([usageRecord(partition, events)])
      }
    }
    await producer.stop()
  }

  /** One record of every kind that is set aside. */
  async function sendWhatIsSetAside(): Promise<void> {
    const producer = openUsageProducer(installation)
    const [node = ''] = nodesOf(0, PARTITIONS, 1)
    const [foreign = ''] = nodesOf(1, PARTITIONS, 1)
    const event = maker.event(node)
    const headers = { trace: 'abc', bytes: Buffer.from([0, 255, 10]) }
    await producer.append([
      { partition: 0, key: 'k', value: Buffer.from('not ours'), headers },
      { partition: 0, key: null, value: null },
      { partition: 0, key: null, value: Buffer.from([0, 0, 0, 0, 99]) },
      {
        partition: 0,
        key: null,
        value: Buffer.from([0, 0, 0, 0, SCHEMA_ID.usageEvents, 0x80, 0x84, 0xaf, 0x5f]),
      },
      usageRecord(0, [event, { ...event, tokens_in: event.tokens_in + 1 }]),
      usageRecord(0, [maker.event(foreign), maker.event(node, { goal_id: '' }), maker.event(node)]),
      usageRecord(0, [maker.event(node, { occurred_at: 1 }), maker.event(node, { occurred_at: 2 ** 45 })]),
    ])
    await producer.stop()
  }

  /** Entries of the audit from servers, one of them sent again. */
  async function sendAudit(): Promise<void> {
    const { kafka, topics } = installation
    const producer = new IdempotentProducer({ ...kafka, topic: topics.accountInbox, metrics: noMetrics })
    const refused = seen({ subject: 'key:0123456789abcdef', count: 1_000 })
    for (const entry of [refused, refused, seen({ kind: 'foreign_node', entry_id: Buffer.alloc(16, 8) })])
      await producer.append([auditAppend(entry, PARTITIONS)])
    await producer.stop()
  }

  it('finds nothing where nothing is wrong, and has looked at something', async () => {
    const last = await verified(installation)
    const [windows = 0, costs = 0, accounts = 0, wallets = 0] = [...last.matchAll(/\d+/g)]
      .slice(1)
      .map(Number)
    assert(windows > 100 && costs > 200, last)
    assert.deepEqual([accounts, wallets], [NODES * PARTITIONS, NODES * PARTITIONS])
    const { letters } = await installation.row<{ letters: string }>(
      'SELECT count() AS letters FROM dead_letters',
    )
    assert.equal(Number(letters), 7)
    const audited = await installation.clickhouse.rows<{ kind: string; rows: string; times: string }>(
      'SELECT kind, count() AS rows, sum(times) AS times FROM audit GROUP BY kind ORDER BY kind',
    )
    assert.deepEqual(
      audited.map(({ kind, rows, times }) => [kind, Number(rows), Number(times)]),
      [
        ['credential_refused', 2, 2_000],
        ['foreign_node', 1, 1],
        ['operator_named', NODES * PARTITIONS, NODES * PARTITIONS],
      ],
    )
  })

  it('compares up to the horizon while usage comes in', async () => {
    const sending = send(RECORDS)
    await verified(installation)
    await sending
    await verified(installation)
  })

  it('names one altered cell of each table and one balance', async () => {
    const undo: (() => Promise<void>)[] = []
    const expected: RegExp[] = []
    for (const { table, column, order, key } of ALTERATIONS) {
      const names = key.map((name) => `toString(${name}) AS key_${name}`).join(', ')
      const row = await installation.row<Record<string, string>>(
        `SELECT ${names}, toString(${column}) AS cell FROM ${table} ORDER BY src_partition, ${order} LIMIT 1`,
      )
      const where = `src_partition = 0 AND ${key.map((name) => `toString(${name}) = '${row[`key_${name}`]}'`).join(' AND ')}`
      const add = (by: number) =>
        mutate(`ALTER TABLE ${table} UPDATE ${column} = ${column} + ${by} WHERE ${where}`)
      await add(1)
      // The altered sum is beside those of other deltas of the window.
      expected.push(
        table.startsWith('usage_1')
          ? new RegExp(`^${table} .*: ${column.replace('wide_', '')} is \\d+, expected \\d+$`, 'm')
          : new RegExp(
              `^${table} .*: ${column} is ${Number(row['cell']) + 1}, expected ${row['cell']}$`,
              'm',
            ),
      )
      undo.push(async () => await add(-1))
    }
    await mutate(
      `ALTER TABLE dead_letters UPDATE value = concat(value, '!') WHERE record_offset = ${await framingOffset()}`,
    )
    undo.push(() =>
      mutate(
        `ALTER TABLE dead_letters UPDATE value = substring(value, 1, length(value) - 1) WHERE value LIKE 'not ours!'`,
      ),
    )
    expected.push(/^dead_letters .*: value is 6E6F74206F75727321, expected 6E6F74206F757273$/m)

    const account = await someAccount()
    const [operator] = account.operators
    assert(operator !== undefined)
    const altered = { ...operator, micro_spark: operator.micro_spark + 1n }
    await writeAccount({ ...account, operators: [altered] })
    undo.push(() => writeAccount(account))
    const balance = `is ${altered.micro_spark}, expected ${operator.micro_spark}$`
    const cell = `is \\[${altered.micro_spark}\\], expected \\[${operator.micro_spark}\\]$`
    expected.push(new RegExp(`^node\\.state ${account.node_id}: micro_spark ${cell}`, 'm'))
    expected.push(
      new RegExp(`^node\\.state wallet ${operator.operator_id}: balance_micro_spark ${balance}`, 'm'),
    )
    expected.push(/^wallet_ledger wallet .*: balance_micro_spark is -?\d+, expected -?\d+$/m)

    const { exitCode, output } = await verify()
    for (const restore of undo) await restore()
    for (const line of expected) assert.match(output, line)
    assert.equal(exitCode, 6)
    assert.match(
      output,
      /^12 differences in \d+ windows, \d+ costs, \d+ accounts, \d+ wallets, \d+ items of fleets, \d+ samples, \d+ nodes of fleets, \d+ commands of inventories, \d+ rows of workers, \d+ changes of status$/m,
    )
  })

  it('names a row that is missing and one that is too many', async () => {
    const [from, to] = ['wallet_ledger', 'wallet_ledger_aside']
    await installation.clickhouse.command(`CREATE TABLE ${to} AS ${from}`)
    await installation.clickhouse.command(`INSERT INTO ${to} SELECT * FROM ${from}`)
    await mutate(
      `ALTER TABLE ${from} DELETE WHERE micro_spark < 0 AND node_id = '${nodesOf(0, PARTITIONS, 1)[0]}'`,
    )
    await installation.clickhouse.command(
      `INSERT INTO usage_events SELECT * REPLACE (record_index + 1000000 AS record_index) FROM usage_events LIMIT 1`,
    )
    const { output } = await verify()
    assert.match(output, /^wallet_ledger !issuer [0-9a-f-]{36}: \(row\) is absent, expected present$/m)
    assert.match(output, /^usage_events .*: \(row\) is present, expected absent$/m)
    await installation.clickhouse.command(`EXCHANGE TABLES ${from} AND ${to}`)
    await mutate('ALTER TABLE usage_events DELETE WHERE record_index >= 1000000')
    await verified(installation)
  })

  it('says from when where the logs were cut, and compares what is left', async () => {
    await cut('usageMetered')
    const { exitCode, output } = await verify()
    assert.equal(exitCode, 0, output)
    assert.match(
      output,
      /partition 0: .*usage\.metered from offset \d\d+ to \d+, received since 20.*; earlier records are gone, windows are compared from 20/,
    )

    await cut('accountInbox')
    const again = await verify()
    assert.equal(again.exitCode, 0, again.output)
    assert.match(
      again.output,
      new RegExp(`^0 accounts from their first record on, ${NODES * PARTITIONS} older than the inbox$`, 'm'),
    )
  })

  it('names the service that stands', async () => {
    await services.loader.stop()
    await send(1)
    const { exitCode, output } = await verify('--wait', '1')
    assert.equal(exitCode, 1)
    assert.match(
      output,
      /ClickHouse has blocks of .* up to \d+ of \d+: the loader has not brought the rest\. Waited 1 s\./,
    )
  })

  it('names an altered watermark where nothing newer is loaded', async () => {
    services = { ...services, ...(await startServices(installation, 'loader')) }
    await services.aggregator.stop()
    await verified(installation)
    const alter = (by: number) =>
      mutate(
        `ALTER TABLE watermarks UPDATE watermark = watermark + ${by} WHERE src_topic LIKE '%usage.blocks'`,
      )
    await installation.clickhouse.command('OPTIMIZE TABLE watermarks FINAL')
    await alter(1)
    const { exitCode, output } = await verify()
    assert.equal(exitCode, 6)
    assert.match(output, /^watermarks .*usage\.blocks partition 0: watermark is \d+, expected \d+$/m)
    await alter(-1)
    await verified(installation)
  })

  const verify = (...args: string[]): Promise<CommandEnd> => installation.command('verify', args)

  async function mutate(sql: string): Promise<void> {
    await installation.clickhouse.command(sql, {}, { mutations_sync: 1 })
  }

  async function framingOffset(): Promise<string> {
    const { record_offset } = await installation.row<{ record_offset: string }>(
      "SELECT record_offset FROM dead_letters WHERE value = 'not ours'",
    )
    return record_offset
  }

  async function someAccount(): Promise<Account> {
    const records = await installation.records('nodeState', 0)
    const record = records.findLast(({ value }) => schemaIdOf(value) === SCHEMA_ID.account)
    assert(record?.value !== null && record !== undefined)
    return accountCodec.decode(record.value)
  }

  async function writeAccount(account: Account): Promise<void> {
    const { kafka, topics } = installation
    const producer = new IdempotentProducer({ ...kafka, topic: topics.nodeState, metrics: noMetrics })
    await producer.append([{ partition: 0, key: account.node_id, value: accountCodec.encode(account) }])
    await producer.stop()
  }

  /**
   * Deletes three fifths of each partition. The record of the models is about in the middle: events before it were
   * counted without models, and verify assumes that a cut log began with the models of its end.
   */
  async function cut(role: TopicRole): Promise<void> {
    const topic = installation.topics[role]
    await withAdmin(installation.kafka, async (admin) => {
      for (const [partition, { start, end }] of await logRanges(admin, topic)) {
        await deleteRecordsBefore(admin, topic, partition, start + ((end - start) * 3n) / 5n)
      }
    })
  }
})
