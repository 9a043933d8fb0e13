import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { clickhouseAt } from '../support/servers/clickhouse.ts'
import type { ClickhouseClient } from '../../pipelines/clickhouse/client.ts'
import { checkCluster } from '../../pipelines/clickhouse/cluster-check.ts'
import { ClickhouseAway, ClickhouseRefused } from '../../pipelines/clickhouse/errors.ts'
import { readMigrations } from '../../pipelines/clickhouse/migrate-files.ts'
import { completeReplicas } from '../../pipelines/clickhouse/migrate-replicas.ts'
import { BOOKKEEPING } from '../../pipelines/clickhouse/migrate-tables.ts'
import { TOKENS_KEPT_S, onCluster } from '../../pipelines/clickhouse/replicated-form.ts'
import { openBlockStore } from '../../pipelines/load/store.ts'
import { EXIT } from '../../services/runtime/exit.ts'
import { groupOf } from '../contract/block-store/target.ts'
import { Installation } from '../support/processes/installation.ts'
import { OwnZookeeper } from '../support/servers/own-zookeeper.ts'
import { REPLICATED_ERRORS } from '../support/oracles/replicated-errors.ts'
import { CLUSTER, CLUSTER_OF_TWO_SHARDS, ReplicaServers } from '../support/servers/replica-servers.ts'

const REPLICAS = 2
const COMMAND_TIMEOUT_MS = 60_000
const SCHEMA = [
  ...BOOKKEEPING,
  ...readMigrations().flatMap(({ statements }) => statements.map(({ sql }) => sql)),
]
const CREATES = SCHEMA.filter((sql) => sql.startsWith('CREATE TABLE'))
const CHANGES = SCHEMA.filter((sql) => !CREATES.includes(sql))
const TABLES = CREATES.length

/** The statement for one replica: a test sends it to each, since the engine has no queue for statements on a cluster. */
const forOneReplica = (sql: string): string =>
  onCluster(sql, CLUSTER).replace(` ON CLUSTER \`${CLUSTER}\``, '')

/** An engine under the name that a single server uses. */
const ofSingleServer = (text: string): string =>
  text
    .replace(/Replicated(\w+)\('\/clickhouse\/tables\/\{shard\}\/late\/\w+', '\{replica\}'\)/, '$1')
    .replace('Replicated', '')
    .replace(
      `replicated_deduplication_window_seconds = ${TOKENS_KEPT_S}, replicated_deduplication_window`,
      'non_replicated_deduplication_window',
    )

/** The definition of a table apart from its engine: both forms must have it in common. */
const COLUMNS = `SELECT table, position, name, type, default_kind, default_expression, compression_codec, comment,
    is_in_partition_key, is_in_sorting_key FROM system.columns WHERE database = currentDatabase() ORDER BY table, position`
const ENGINES =
  'SELECT name, engine, engine_full, comment FROM system.tables WHERE database = currentDatabase() ORDER BY name'
const INDEXES = `SELECT table, name, type_full, expr, granularity FROM system.data_skipping_indices
    WHERE database = currentDatabase() ORDER BY table, name`

describe('the schema on a cluster, by two engines and a real ZooKeeper', () => {
  let keeper: OwnZookeeper
  let servers: ReplicaServers
  const clients: ClickhouseClient[] = []

  function open(
    database: string,
    cluster = CLUSTER,
    urls: readonly string[] = servers.urls,
  ): ClickhouseClient {
    const client = clickhouseAt(urls.join(','), database, { cluster })
    clients.push(client)
    return client
  }

  before(async () => {
    keeper = await OwnZookeeper.start()
    servers = await ReplicaServers.start(REPLICAS, keeper.port)
    const server = open('system')
    for (const replica of server.replicas) {
      for (const database of ['made', 'late', 'other']) {
        await replica.command(`CREATE DATABASE ${database} ENGINE = Atomic`)
      }
    }
    const [first] = server.replicas
    await first?.command('CREATE DATABASE plain ENGINE = Atomic')
    const [plain] = open('plain', '', servers.urls.slice(0, 1)).replicas
    for (const sql of SCHEMA) await plain?.command(sql)
    for (const sql of CREATES) {
      for (const replica of open('made').replicas) await replica.command(forOneReplica(sql))
    }
    const tables = await plain?.rows<{ sql: string }>(
      "SELECT create_table_query AS sql FROM system.tables WHERE database = 'plain'",
    )
    for (const { sql } of tables ?? []) {
      await first?.command(forOneReplica(sql.replace('CREATE TABLE plain.', 'CREATE TABLE late.')))
    }
  })

  after(async () => {
    for (const client of clients) await client.close()
    await servers?.dispose()
    await keeper?.dispose()
  })

  it('is made by every CREATE of the migrations on each replica, and its tables meet in Keeper', async () => {
    for (const [place, replica] of open('made').replicas.entries()) {
      const rows = await replica.rows<{ table: string; replicas: number; path: string; name: string }>(
        `SELECT table, total_replicas AS replicas, zookeeper_path AS path, replica_name AS name
         FROM system.replicas WHERE database = 'made' ORDER BY table`,
      )
      assert.equal(rows.length, TABLES)
      for (const { table, replicas, path, name } of rows) {
        assert.deepEqual(
          { replicas, path, name },
          { replicas: REPLICAS, path: `/clickhouse/tables/1/made/${table}`, name: `r${place + 1}` },
        )
      }
    }
  })

  it('has, where it was made as it is now, all that the schema of a single server has, on a replica that came later too', async () => {
    const made = await completeReplicas(open('system'), 'late')
    assert.equal(made.length, TABLES)
    assert.ok(made.every(({ replica }) => replica === 2))
    assert.deepEqual(await completeReplicas(open('system'), 'late'), [], 'nothing the second time')
    const [plain] = open('plain', '', servers.urls.slice(0, 1)).replicas
    for (const replica of open('late').replicas) {
      const rows = await replica.rows<Record<string, unknown>>(COLUMNS)
      assert.ok(rows.length > 100)
      assert.deepEqual(rows, await plain?.rows(COLUMNS))
      const indexes = await replica.rows<Record<string, unknown>>(INDEXES)
      assert.ok(indexes.length > 8)
      assert.deepEqual(indexes, await plain?.rows(INDEXES))
      const engines =
        await replica.rows<Record<'name' | 'comment' | 'engine' | 'engine_full', string>>(ENGINES)
      assert.deepEqual(
        engines.map((row) => ({
          name: row.name,
          comment: row.comment,
          engine: ofSingleServer(row.engine),
          engine_full: ofSingleServer(row.engine_full),
        })),
        await plain?.rows(ENGINES),
      )
      const [row] = await replica.rows<{ met: string }>(
        `SELECT countIf(total_replicas = ${REPLICAS}) AS met FROM system.replicas WHERE database = 'late'`,
      )
      assert.equal(Number(row?.met), TABLES)
    }
  })

  it('is not made with other columns on one replica: the others are asked in Keeper', async () => {
    const [first, second] = open('other').replicas
    const table = (columns: string): string =>
      forOneReplica(`CREATE TABLE IF NOT EXISTS t (${columns}) ENGINE = MergeTree ORDER BY a`)
    await first?.command(table('a Int8'))
    await assert.rejects(
      async () => await second?.command(table('a Int16')),
      (error) => error instanceof ClickhouseRefused && error.code === 122,
    )
  })

  it('is refused on a cluster that cannot hold it, and tables of the other form with it', async () => {
    await checkCluster(open('system'), 'made')
    for (const [cluster, database, urls, message] of [
      ['no_such', 'made', servers.urls, /knows no cluster no_such \(it knows .*hive, hive_shards/],
      [CLUSTER_OF_TWO_SHARDS, 'made', servers.urls, /has 2 shards; .*one shard/],
      [
        CLUSTER,
        'made',
        servers.urls.slice(0, 1),
        /HIVEMETER_CLICKHOUSE_URL names 1 of the 2 replicas of hive/,
      ],
      [CLUSTER, 'made', [servers.urls[0], servers.urls[0]], /each address .* is another server/],
      [CLUSTER, 'plain', servers.urls, /tables of plain are not Replicated \(audit, audit_log, /],
      [
        '',
        'made',
        servers.urls.slice(0, 1),
        /HIVEMETER_CLICKHOUSE_CLUSTER is empty, but tables of made are Replicated/,
      ],
    ] as const) {
      const client = open('system', cluster, urls as readonly string[])
      await assert.rejects(checkCluster(client, database), { name: 'MigrationRefused', message })
    }
  })

  it('is read by no loader whose settings name no cluster', async () => {
    const store = openBlockStore(open('made', '', servers.urls.slice(0, 1)))
    await assert.rejects(store.loadedSeq({ topic: 't', partition: 0 }), {
      name: 'ClickhouseRefused',
      message: /HIVEMETER_CLICKHOUSE_CLUSTER is empty/,
    })
    const fitting = openBlockStore(open('made'))
    assert.equal(await fitting.loadedSeq({ topic: 't', partition: 0 }), 0, 'a majority answered')
  })

  it('knows the errors of replicas by the names that the engine has for them', async () => {
    const client = open('system')
    for (const [code, name] of Object.values(REPLICATED_ERRORS).flatMap((codes) => Object.entries(codes))) {
      const [row] = await client.rows<{ name: string }>('SELECT errorCodeToName({code:UInt32}) AS name', {
        code: Number(code),
      })
      assert.equal(row?.name, name)
    }
  })

  // What this engine cannot do: it is tried, so that this test fails on the day on which it can. See README, "What was
  // not run".
  it('meets an engine without a queue of statements for a cluster: migrate says so and ends with 78', async () => {
    await assert.rejects(
      open('other').command(onCluster('CREATE TABLE u (a Int8) ENGINE = MergeTree ORDER BY a', CLUSTER)),
      (error) => error instanceof ClickhouseRefused && error.code === 392,
    )
    const clickhouseUrl = servers.urls.join(',')
    const installation = new Installation(
      { name: 'cluster', brokers: ['127.0.0.1:9'], clickhouseUrl },
      'unused',
    )
    clients.push(installation.clickhouse)
    const settings = { HIVEMETER_CLICKHOUSE_CLUSTER: CLUSTER }
    const { exitCode, output } = await installation.command('migrate', [], COMMAND_TIMEOUT_MS, settings)
    assert.equal(exitCode, EXIT.configuration, output)
    assert.match(
      output,
      /the server cannot make replicated tables: it has no Keeper, or takes no statements for a cluster/,
    )
  })

  it('meets an engine without a port for other replicas: no quorum, and tables that are neither filled, waited for nor changed', async () => {
    const client = open('made')
    const { letters } = await groupOf('cluster', 1, Date.UTC(2026, 2, 10))
    // Before anything is written: Keeper reports no other replica as alive.
    await assert.rejects(
      openBlockStore(client).insert(letters, 'cluster/1'),
      isAway('less than requested quorum (2/2)'),
    )
    const readOnly = isAway('readonly mode')
    await assert.rejects(
      client.command('INSERT INTO watermarks (src_seq) VALUES (1)', {}, { insert_keeper_max_retries: 0 }),
      readOnly,
    )
    await assert.rejects(client.sync(['dead_letters']), readOnly)
    // None is applied: one whose default names a column of an earlier change, or that comments on such a column, is
    // refused for that, before any request is sent.
    const lacksColumn = (error: unknown): boolean => error instanceof ClickhouseRefused && error.code === 47
    const commentsOnNone = (error: unknown): boolean =>
      error instanceof ClickhouseRefused && error.code === 10
    let refused = 0
    for (const sql of CHANGES) {
      await assert.rejects(client.command(forOneReplica(sql)), (error) => {
        if (lacksColumn(error)) refused++
        return lacksColumn(error) || commentsOnNone(error) || readOnly(error)
      })
    }
    assert.ok(refused <= 2, `${refused} of ${CHANGES.length} lack a column`)
  })
})

const isAway =
  (words: string) =>
  (error: unknown): boolean =>
    error instanceof ClickhouseAway && error.message.includes(words)
