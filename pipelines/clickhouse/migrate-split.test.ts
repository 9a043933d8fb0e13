import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { MIGRATIONS_FOLDER, readMigrations } from './migrate-files.ts'
import { UnclosedText, splitStatements } from './migrate-split.ts'

const sqlOf = (sql: string): string[] => splitStatements(sql).map((statement) => statement.sql)

describe('statements of a migration', () => {
  it('end at semicolons, the last one without', () => {
    assert.deepEqual(sqlOf('SELECT 1;\n\nSELECT 2 ; ;SELECT 3\n'), ['SELECT 1', 'SELECT 2', 'SELECT 3'])
  })

  it('keep semicolons in strings, names, heredocs and comments', () => {
    const one =
      "SELECT ';', 'it''s;', 'back\\';slash', `a;b`, \"c;d\", $x$ ; $x$, 1 /* ; /* ; */ ; */ + 1 -- ;\n, 2"
    assert.deepEqual(sqlOf(`-- first; comment\n# another;\n${one};SELECT 2`), [one, 'SELECT 2'])
  })

  it('name the line they begin on', () => {
    const found = splitStatements('-- a\n\nSELECT 1;\n/* b\n */\nSELECT\n2;')
    assert.deepEqual(
      found.map(({ line }) => line),
      [3, 6],
    )
  })

  it('say what is not closed, and where', () => {
    for (const [sql, line] of [
      ["SELECT 1;\nSELECT 'open", 2],
      ['SELECT 1 /* open /* */', 1],
      ['SELECT\n\n`open', 3],
      ['SELECT $tag$ open $$', 1],
    ] as const) {
      assert.throws(
        () => splitStatements(sql),
        (error) => error instanceof UnclosedText && error.line === line,
      )
    }
  })

  it('come back from any list of quoted texts', () => {
    const quoted = fc.string().map((text) => `SELECT '${text.replaceAll(/[\\']/g, (mark) => `\\${mark}`)}'`)
    fc.assert(
      fc.property(fc.array(quoted, { maxLength: 8 }), (statements) => {
        assert.deepEqual(sqlOf(statements.join(';')), statements)
      }),
    )
  })

  it('of this version can each be run again: an interrupted migration repeats at most one', () => {
    const idempotent =
      /^(CREATE TABLE IF NOT EXISTS|ALTER TABLE \w+ (ADD (COLUMN|INDEX) IF NOT EXISTS|MODIFY COLUMN \w+ Enum8))\b/
    const comments = /^ALTER TABLE \w+((,|)\s+(COMMENT COLUMN \w+|MODIFY COMMENT) '[^']*')+$/
    for (const { name, statements } of readMigrations(MIGRATIONS_FOLDER)) {
      for (const { sql, line } of statements)
        assert.ok(idempotent.test(sql) || comments.test(sql), `${name}, line ${line}`)
    }
  })
})
