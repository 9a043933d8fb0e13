import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { readFromFile } from './spool.ts'
import { holdsSeveral, readStatement } from './statement.ts'

/** The statement as it is sent to the engine when its data is in the file `/f`. */
function rewritten(text: string): string {
  const statement = readStatement(text)
  if (statement.kind !== 'values' && statement.kind !== 'input') return statement.kind
  const { head, tail } = readFromFile(text, statement, '/f')
  return `${head}${tail}`.replaceAll(/\s+/g, ' ')
}

describe('statements', () => {
  const inserts: readonly (readonly [text: string, sent: string])[] = [
    ['INSERT INTO t FORMAT CSV', "INSERT INTO t FROM INFILE '/f' FORMAT CSV"],
    ['insert t values (1)', "insert t FROM INFILE '/f' FORMAT Values"],
    [
      'INSERT INTO TABLE d.`t x` (a, b) FORMAT CSV',
      "INSERT INTO TABLE d.`t x` (a, b) FROM INFILE '/f' FORMAT CSV",
    ],
    [
      'INSERT INTO "FORMAT" ("SETTINGS") FORMAT CSV',
      `INSERT INTO "FORMAT" ("SETTINGS") FROM INFILE '/f' FORMAT CSV`,
    ],
    ['INSERT INTO format.values FORMAT CSV', "INSERT INTO format.values FROM INFILE '/f' FORMAT CSV"],
    [
      'INSERT INTO {t:Identifier} (* EXCEPT (a)) FORMAT CSV',
      "INSERT INTO {t:Identifier} (* EXCEPT (a)) FROM INFILE '/f' FORMAT CSV",
    ],
    [
      `INSERT INTO t SETTINGS a = -1, b = 'FORMAT X', c = [1, (2)] FORMAT CSV`,
      `INSERT INTO t FROM INFILE '/f' SETTINGS a = -1, b = 'FORMAT X', c = [1, (2)] FORMAT CSV`,
    ],
    [
      '/* FORMAT /* X */ */ INSERT -- VALUES\n INTO t # x\n FORMAT CSV',
      "/* FORMAT /* X */ */ INSERT -- VALUES INTO t FROM INFILE '/f' FORMAT CSV",
    ],
    [
      "INSERT INTO FUNCTION file('x', 'CSV') PARTITION BY a FORMAT CSV",
      "INSERT INTO FUNCTION file('x', 'CSV') PARTITION BY a FROM INFILE '/f' FORMAT CSV",
    ],
    [
      "INSERT INTO t SELECT format, input FROM input('a Int8, b DateTime(\\'UTC\\')') WHERE 1 FORMAT CSV",
      "INSERT INTO t SELECT format, input FROM file('/f', 'CSV', 'a Int8, b DateTime(\\'UTC\\')') WHERE 1 ",
    ],
    ['INSERT INTO t (SELECT 1)', 'text'],
    ['INSERT INTO t WITH 1 AS x SELECT x', 'text'],
    ['INSERT INTO t', 'unclear'],
    ['INSERT INTO t NONSENSE (1)', 'unclear'],
    ["INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV", 'unclear'],
    ["INSERT INTO t SELECT * FROM input('a Int8')", 'unclear'],
  ]
  for (const [text, sent] of inserts) {
    it(`reads ${text}`, () => {
      assert.equal(rewritten(text), sent)
    })
  }

  const formats: readonly (readonly [text: string, format: string | undefined])[] = [
    ['SELECT 1 FORMAT JSON', 'JSON'],
    ['SELECT 1 format TSV;', 'TSV'],
    ['SELECT 1 FORMAT CSV SETTINGS max_threads = 1', 'CSV'],
    ["SELECT 'FORMAT CSV' -- FORMAT CSV", undefined],
    ['SELECT format FROM format', undefined],
    ['SELECT format x FROM (SELECT 1 FORMAT y) AS format', undefined],
    ['SELECT 1 AS format FORMAT JSON', 'JSON'],
    ['SELECT $a$ FORMAT CSV $a$', undefined],
    ['SELECT ‘FORMAT CSV’ FORMAT JSON', 'JSON'],
  ]
  for (const [text, format] of formats) {
    it(`finds the format of ${text}`, () => {
      const statement = readStatement(Buffer.from(text).toString('latin1'))
      assert.ok(statement.kind === 'text')
      assert.equal(statement.format, format)
    })
  }

  it('tells several statements from one', () => {
    for (const text of ['SELECT 1', 'SELECT 1;;', `SELECT ';' -- ; x`, 'SELECT ";" /* ; x */ ; -- y']) {
      assert.equal(holdsSeveral(text), false, text)
    }
    for (const text of ['SELECT 1; x', 'DROP TABLE t; (', `DROP (;'`, ';;x'])
      assert.equal(holdsSeveral(text), true, text)
  })

  it('takes every byte behind the format for data', () => {
    fc.assert(
      fc.property(fc.constantFrom('\n', ' ', ' \t\r\n'), fc.uint8Array({ maxLength: 64 }), (gap, bytes) => {
        const data = `x${Buffer.from(bytes).toString('latin1')}`
        const head = `INSERT INTO t (a) FORMAT RowBinary${gap}`
        const statement = readStatement(`${head}${data}`)
        assert.ok(statement.kind === 'values')
        assert.deepEqual([statement.format, statement.dataStart], ['RowBinary', head.length])
      }),
    )
  })

  it('reads any name that is quoted as a name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.constantFrom('`', '"'), (name, quote) => {
        const escaped = name.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)
        const text = Buffer.from(`INSERT INTO ${quote}${escaped}${quote} FORMAT CSV`).toString('latin1')
        const statement = readStatement(text)
        assert.ok(statement.kind === 'values')
        assert.equal(statement.dataStart, text.length)
      }),
    )
  })

  it('ends for any text', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'INSERT',
        ' INTO ',
        ' FORMAT ',
        ' SETTINGS ',
        'input(',
        '(',
        ')',
        "'",
        '`',
        '/*',
        '*/',
        '--',
        '\n',
        '$',
        '\\',
      ),
    )
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        assert.ok(readStatement(pieces.join('')).kind)
      }),
    )
  })
})
