import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { readMigrations } from './migrate-files.ts'
import { splitStatements } from './migrate-split.ts'
import { BOOKKEEPING } from './migrate-tables.ts'
import { TOKENS_KEPT_S, formOn, onCluster } from './replicated-form.ts'

const ENGINE =
  /Replicated(\w*MergeTree)\('\/clickhouse\/tables\/\{shard\}\/\{database\}\/\{table\}', '\{replica\}'\)/
const SCHEMA = [
  ...BOOKKEEPING,
  ...readMigrations().flatMap(({ statements }) => statements.map(({ sql }) => sql)),
]
const ROLES = splitStatements(
  readFileSync(new URL('../../schemas/clickhouse/access/roles.sql', import.meta.url), 'utf8'),
).map(({ sql }) => sql)

/** Removes what the form added. */
const asWritten = (form: string): string =>
  form
    .replace(' ON CLUSTER `hive`', '')
    .replace(ENGINE, '$1')
    .replace(
      `replicated_deduplication_window_seconds = ${TOKENS_KEPT_S}, replicated_deduplication_window`,
      'non_replicated_deduplication_window',
    )

describe('the form of a statement on a cluster', () => {
  it('stays as written without a cluster', () => {
    for (const sql of SCHEMA) assert.equal(formOn('', sql), sql)
  })

  it('is known of every statement of the schema and of the roles, and changes nothing else', () => {
    assert.ok(SCHEMA.length >= 18 && ROLES.length >= 30)
    for (const sql of [...SCHEMA, ...ROLES]) {
      const form = onCluster(sql, 'hive')
      assert.match(form, / ON CLUSTER `hive`/)
      assert.equal(asWritten(form), sql)
    }
  })

  it('makes every table replicated, at a path that another replica finds, with a window for its tokens', () => {
    const tables = SCHEMA.filter((sql) => sql.startsWith('CREATE TABLE'))
    assert.equal(tables.filter((sql) => ENGINE.test(onCluster(sql, 'hive'))).length, tables.length)
    for (const sql of tables.filter((of) => of.includes('non_replicated_deduplication_window'))) {
      assert.match(
        onCluster(sql, 'hive'),
        /SETTINGS replicated_deduplication_window_seconds = 604800, replicated_deduplication_window = 10000$/,
      )
    }
  })

  it('stands behind the name, or behind GRANT', () => {
    for (const [sql, form] of [
      [
        'CREATE DATABASE IF NOT EXISTS `d` ENGINE = Atomic',
        'CREATE DATABASE IF NOT EXISTS `d` ON CLUSTER `c` ENGINE = Atomic',
      ],
      ['ALTER TABLE d.t ADD COLUMN a Int8', 'ALTER TABLE d.t ON CLUSTER `c` ADD COLUMN a Int8'],
      ['GRANT SELECT ON t TO r', 'GRANT ON CLUSTER `c` SELECT ON t TO r'],
      ['CREATE ROW POLICY p ON t USING 1 TO r', 'CREATE ROW POLICY p ON CLUSTER `c` ON t USING 1 TO r'],
      ['CREATE USER u IDENTIFIED BY 1', 'CREATE USER u ON CLUSTER `c` IDENTIFIED BY 1'],
    ] as const) {
      assert.equal(onCluster(sql, 'c'), form)
    }
  })

  it('leaves words in strings, names, comments and parentheses alone', () => {
    const quoted = fc.string().map((text) => `'${text.replaceAll(/[\\']/g, (mark) => `\\${mark}`)}'`)
    fc.assert(
      fc.property(quoted, (text) => {
        const sql =
          `CREATE TABLE t (a String DEFAULT ${text}, engine Int8, \`ENGINE = X\` Int8 /* ENGINE = Log */, ` +
          "b String DEFAULT 'ENGINE = MergeTree non_replicated_deduplication_window')\nENGINE = SummingMergeTree\nORDER BY a"
        const form = onCluster(sql, 'hive')
        assert.equal(form.split('Replicated').length, 2)
        assert.ok(
          form.startsWith(`CREATE TABLE t ON CLUSTER \`hive\` (a String DEFAULT ${text}, engine Int8,`),
        )
      }),
    )
  })

  it('is refused where it is not known', () => {
    for (const [sql, why] of [
      ['DROP TABLE t', /"DROP TABLE t…" is not one that can be run on a cluster/],
      ['INSERT INTO t SELECT 1', /is not one that can be run/],
      ['CREATE TABLE t (a Int8) ENGINE = Log', /whose engine is not of the MergeTree family/],
      ['CREATE TABLE t (a Int8)', /whose engine is not of the MergeTree family/],
      [
        "CREATE TABLE t (a Int8) ENGINE = ReplicatedMergeTree('/p', 'r') ORDER BY a",
        /names a Replicated engine itself/,
      ],
      ['CREATE TABLE t (a Int8) ENGINE = SummingMergeTree(a) ORDER BY a', /engine has arguments/],
    ] as const) {
      assert.throws(() => onCluster(sql, 'hive'), { name: 'MigrationRefused', message: why })
    }
  })
})
