import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { readMigrations } from '../../../pipelines/clickhouse/migrate-files.ts'
import { Engine } from './engine.ts'
import { Gate } from './gate.ts'
import { loadAddon } from './native.ts'
import { readStatement } from './statement.ts'

const FILE = "'/etc/passwd'"

/**
 * Statements that read a file, write one, or contact another machine: every way that the engine has for it, hidden ones too.
 */
const REFUSED: readonly string[] =
  `file url s3 hdfs remote remoteSecure cluster mysql postgresql mongodb redis sqlite
  odbc jdbc azureBlobStorage gcs iceberg icebergLocal deltaLake deltaLakeLocal hudi executable filesystem fileCluster
  urlCluster merge dictionary loop eval paimonLocal arrowstream ytsaurus format prometheusQuery viewExplain`
    .split(/\s+/)
    .flatMap((name) => [`SELECT * FROM ${name}(${FILE})`, `INSERT INTO FUNCTION ${name}(${FILE}) SELECT 1`])

const HIDDEN = [
  `SELECT file(${FILE})`,
  `SELECT FILE(${FILE})`,
  "SELECT `file`('x')",
  `SELECT arrayMap(file, [${FILE}])`,
  `SELECT arrayMap(x -> file(x), [${FILE}])`,
  `SELECT * APPLY(file) FROM (SELECT ${FILE})`,
  `SELECT * REPLACE (file(a) AS a) FROM t`,
  `SELECT a FROM t ORDER BY a WITH FILL FROM file(${FILE})`,
  `SELECT a FROM t LIMIT file(${FILE})`,
  `WITH x AS (SELECT * FROM file(${FILE})) SELECT * FROM x`,
  `SELECT * FROM ${FILE}`,
  'SELECT * FROM `/etc/passwd`',
  'SELECT * FROM `../keys.json`',
  'SELECT 1 IN `/etc/passwd`',
  'INSERT INTO `/tmp/out.csv` SELECT 1',
  "INSERT INTO t SELECT 1 INTO OUTFILE '/tmp/out'",
  `INSERT INTO t FROM INFILE ${FILE} FORMAT CSV`,
  'CREATE MATERIALIZED VIEW v TO `/tmp/out.csv` AS SELECT 1',
  'CREATE MATERIALIZED VIEW v ENGINE = File(CSV) AS SELECT 1',
  `CREATE VIEW v AS SELECT * FROM url('http://x')`,
  'CREATE TABLE a AS `/etc/passwd`',
  'CREATE TABLE a AS b ENGINE = File(CSV)',
  `CREATE TABLE a AS file(${FILE})`,
  'CREATE TABLE a (x Int8) ENGINE = File(CSV)',
  "CREATE TABLE a (x Int8) ENGINE = URL('http://x', CSV)",
  "CREATE TABLE a (x Int8) ENGINE = Executable('x', CSV)",
  `CREATE TABLE a (x String DEFAULT file(${FILE})) ENGINE = Memory`,
  `CREATE TABLE a (x Int8) ENGINE = MergeTree ORDER BY x TTL now() + INTERVAL 1 DAY GROUP BY x SET y = any(file(${FILE}))`,
  "CREATE TABLE a (x Int8) ENGINE = MergeTree ORDER BY x SETTINGS disk = disk(type = local, path = '/tmp/')",
  "CREATE TABLE a (x Int8, INDEX i file('x') TYPE minmax) ENGINE = MergeTree ORDER BY x",
  "ATTACH TABLE a FROM '/tmp' (x Int8) ENGINE = Memory",
  "CREATE DATABASE d ENGINE = Filesystem('/etc')",
  "CREATE DICTIONARY d (a Int8) PRIMARY KEY a SOURCE(FILE(path '/etc/passwd' format 'CSV')) LAYOUT(FLAT()) LIFETIME(0)",
  'CREATE FUNCTION f AS x -> file(x)',
  "BACKUP TABLE a TO File('/tmp/x')",
  "RESTORE TABLE a FROM File('/tmp/x')",
  'SYSTEM RELOAD CONFIG',
  'SYSTEM SHUTDOWN',
  'SET max_threads = 1',
  `SHOW TABLES WHERE name = file(${FILE})`,
  'SHOW TABLES WHERE name IN (SELECT * FROM numbers(1))',
  `EXPLAIN SELECT * FROM file(${FILE})`,
  `DESCRIBE TABLE file(${FILE})`,
  'EXISTS TABLE `/etc/passwd`',
  `ALTER TABLE t ADD COLUMN a String DEFAULT file(${FILE})`,
  `ALTER TABLE t UPDATE a = file(${FILE}) WHERE 1`,
  'ALTER TABLE t FREEZE',
  "ALTER TABLE t MODIFY SETTING disk = 'x'",
  `DELETE FROM t WHERE a = file(${FILE})`,
  "INSERT INTO t SETTINGS format_schema = 'x' FORMAT Protobuf",
  "INSERT INTO t SELECT 1 SETTINGS format_schema = 'x'",
  "SELECT 1 FORMAT Protobuf SETTINGS format_schema = '/etc/passwd:x'",
  "SELECT 1 FORMAT Template SETTINGS format_template_row = '/etc/passwd'",
  "SELECT 1 SETTINGS dialect = 'kusto'",
  "SELECT dictGet('d', 'a', 1)",
  "SELECT catboostEvaluate('/etc/passwd', 1)",
  "SELECT aiGenerate('x')",
  'SELECT 1 AS `a\n Literal 1`',
  'SELECT 1 SETTINGS\u00a0disk = 1',
  "INSERT INTO t VALUES (file('/etc/passwd'))",
  "INSERT INTO t VALUES (arrayMap(file, ['/etc/passwd'])[1])",
  "INSERT INTO t VALUES ((SELECT * FROM url('http://x')))",
]

const ALLOWED: readonly string[] = [
  'SELECT version(), count(*), countDistinct(a), sumIf(a, b), quantilesIf(0.5)(a, b) FROM t',
  "SELECT toStartOfMinute(now('UTC')) AS m, arrayMap(x -> x + 1, [1]), CASE 1 WHEN 1 THEN 2 END FROM numbers(3)",
  'SELECT a, row_number() OVER (PARTITION BY a ORDER BY b) FROM t FINAL WHERE (a, b) IN ((1, 2)) LIMIT 1 BY a',
  'WITH x AS (SELECT 1 AS n) SELECT * EXCEPT n FROM x LEFT JOIN t ON t.a = x.n SETTINGS max_threads = 1 FORMAT JSON',
  'SELECT * FROM `with space` UNION ALL SELECT 1',
  'INSERT INTO t (a, b) FORMAT RowBinary',
  "INSERT INTO t SELECT a FROM input('a Int32, s String') FORMAT RowBinary",
  "INSERT INTO t VALUES (1 + 1, lower('C')), ({a:Int8}, 'x')",
  'INSERT INTO t SELECT number FROM numbers(2) SETTINGS max_block_size = 1',
  'INSERT INTO t SETTINGS max_threads = 1 FORMAT CSV',
  'CREATE DATABASE IF NOT EXISTS d ENGINE = Atomic',
  `CREATE TABLE IF NOT EXISTS t (a LowCardinality(String) CODEC(ZSTD(1)), b SimpleAggregateFunction(max, UInt64),
   c DateTime64(3, 'UTC') DEFAULT now(), d Nested(x Int8), INDEX i a TYPE bloom_filter(0.01) GRANULARITY 1)
   ENGINE = ReplacingMergeTree(b) PARTITION BY toYYYYMM(c) ORDER BY (a, c) TTL toDate(c) + INTERVAL 1 DAY
   SETTINGS non_replicated_deduplication_window = 100`,
  'ALTER TABLE t ADD COLUMN IF NOT EXISTS z Int64 DEFAULT toInt64(a) * 10 CODEC(T64, LZ4)',
  "ALTER TABLE t ADD COLUMN IF NOT EXISTS y Int64 DEFAULT 0 COMMENT 'what it holds' CODEC(T64, LZ4)",
  "ALTER TABLE t COMMENT COLUMN a 'what it holds', MODIFY COMMENT 'what its rows are'",
  "CREATE TABLE c (a Int8 COMMENT 'what it holds') ENGINE = MergeTree ORDER BY a COMMENT 'what its rows are'",
  'SELECT displayName(), version(), revision(), timezone()',
  "ALTER TABLE t MODIFY COLUMN r Enum8('a' = 1) CODEC(ZSTD(1))",
  'CREATE TABLE a AS b ENGINE = Memory',
  'CREATE TEMPORARY TABLE kept (a Int32)',
  'CREATE MATERIALIZED VIEW v TO t AS SELECT 1 AS a',
  'DROP TABLE IF EXISTS t SYNC',
  'EXCHANGE TABLES t AND u',
  'TRUNCATE TABLE t',
  'OPTIMIZE TABLE t FINAL',
  'SYSTEM STOP MERGES t',
  "SHOW TABLES LIKE 't'",
  'SHOW CREATE TABLE t',
  'DESCRIBE TABLE t',
  'EXISTS TABLE t',
  'EXPLAIN indexes = 1 SELECT a FROM t',
]

describe('the gate of the local ClickHouse', () => {
  let dir = ''
  let engine: Engine
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'hivemeter-gate-'))
    engine = await Engine.open(loadAddon(), dir)
  })
  after(() => {
    engine.close()
    rmSync(dir, { recursive: true, force: true })
  })

  const pass = async (sql: string, given: ReadonlyMap<string, string> = new Map()): Promise<void> => {
    const gate = new Gate(engine, [])
    const latin1 = Buffer.from(sql).toString('latin1')
    const statement = readStatement(latin1)
    const end = 'dataStart' in statement ? statement.dataStart : latin1.length
    const request = {
      query: new URLSearchParams(),
      text: latin1.slice(0, end),
      statement,
      data: undefined,
      values: latin1.slice(end),
    }
    const { facts } = await gate.admit(request, false)
    const connection = engine.connect()
    try {
      for (const [name, value] of given)
        await engine.addon.QueryAsyncConnection(connection, `SET ${name} = '${value}'`, 'Null')
      await gate.judge(connection, request, facts, given)
    } finally {
      engine.disconnect(connection)
    }
  }

  it('refuses what reads files, writes files or speaks to others, however it is named', async () => {
    for (const sql of [...REFUSED, ...HIDDEN]) {
      await assert.rejects(
        pass(sql),
        // Some are not statements of this engine at all, or cannot be taken apart: they are refused as well.
        /Code: (497|48|62)\. /,
        sql,
      )
    }
  })

  it('lets in what reads and writes its own tables', async () => {
    for (const sql of ALLOWED) await assert.doesNotReject(pass(sql), sql)
  })

  it('lets in every statement of the migrations', async () => {
    const statements = readMigrations().flatMap((migration) => migration.statements)
    assert.ok(statements.length > 10)
    for (const { sql } of statements) await assert.doesNotReject(pass(sql), sql)
  })

  it('judges names that come as parameters by their values', async () => {
    const sql = 'SELECT {c:Identifier} AS c FROM {t:Identifier}'
    await pass(
      sql,
      new Map([
        ['param_c', 'a'],
        ['param_t', 'rows'],
      ]),
    )
    await assert.rejects(
      pass(
        sql,
        new Map([
          ['param_c', 'a'],
          ['param_t', '/etc/passwd'],
        ]),
      ),
      { code: 497 },
    )
    await assert.rejects(pass(sql, new Map([['param_c', 'a']])), { code: 497 })
    const call = 'SELECT arrayMap({f:Identifier}, [1])'
    await assert.rejects(pass(call, new Map([['param_f', 'file']])), { code: 497 })
  })

  it('knows every function that the engine has as allowed or not', () => {
    assert.equal(engine.vocabulary.mayCall('toInt128'), true)
    assert.equal(engine.vocabulary.mayCall('argMaxMergeIf'), true)
    for (const name of ['file', 'FILE', 'url', 'dictGetString', 'catboostEvaluate', 'addressToLine'])
      assert.equal(engine.vocabulary.mayCall(name), false, name)
  })
})
