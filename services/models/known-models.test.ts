import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fenceCodec, modelsTableCodec } from '../../schemas/avro.ts'
import { MODEL_ROWS_MAX, WRITTEN_BY_CHARACTERS_MAX } from '../../schemas/models.ts'
import type { ModelsTable } from '../../schemas/records.ts'
import { KnownModels, readTable } from './known-models.ts'

const rowOf = (pattern: string, tdp_watts = 170) => ({ pattern, paid_api: true, tdp_watts })
const table = (version: number, changes: Partial<ModelsTable> = {}): Buffer =>
  modelsTableCodec.encode({ version, written_by: 'key:a', rows: [rowOf('m', version)], ...changes })

function knowing(...records: readonly (readonly [key: string, value: Buffer | null])[]): KnownModels {
  const known = new KnownModels()
  for (const [at, [key, value]] of records.entries())
    known.apply({ key: Buffer.from(key), value, offset: BigInt(at), timestampMs: 1_000 + at })
  return known
}

test('the newest version holds, whatever else stands there', () => {
  const fence = fenceCodec.encode({ instance: 'x' })
  assert.equal(knowing(['!fence', fence]).newest.table.version, 1)
  const known = knowing(['!fence', fence], ['2', table(2)], ['3', table(3)], ['2', null], ['!fence', fence])
  const { table: newest, writtenBy, writtenAtMs } = known.newest
  assert.deepEqual(
    [newest.version, newest.factsOf('m').tdp_watts, writtenBy, writtenAtMs],
    [3, 3, 'key:a', 1_002],
  )
  assert.deepEqual([known.lastOffset, known.unreadable], [4n, null])
  assert.equal(knowing(['3', table(3)], ['2', table(2)]).newest.table.version, 3, 'it never gets older')
})

test('a version that cannot be read brings nothing, and is named until a newer one can', () => {
  const known = knowing(['2', table(2)], ['3', Buffer.from('not ours')])
  assert.equal(known.newest.table.version, 2)
  assert.match(
    known.unreadable ?? '',
    /^version "3" of the table of models cannot be read: it cannot be decoded/,
  )
  known.apply({ key: Buffer.from('4'), value: table(4), offset: 9n, timestampMs: 0 })
  assert.deepEqual([known.newest.table.version, known.unreadable], [4, null])
})

test('what no writer writes is no version', () => {
  const problems: readonly (readonly [string, Buffer, RegExp])[] = [
    ['3', table(2), /another version/],
    ['1', table(1), /compiled in/],
    ['-2', table(-2), /compiled in/],
    ['2', table(2, { written_by: 'x'.repeat(WRITTEN_BY_CHARACTERS_MAX + 1) }), /too long a name/],
    [
      '2',
      table(2, { rows: Array.from({ length: MODEL_ROWS_MAX + 1 }, (_, at) => rowOf(`m${at}`)) }),
      /more than 5000/,
    ],
    ['2', table(2, { rows: [rowOf('a*b')] }), /no table can have/],
    ['2', table(2, { rows: [rowOf('m', 4_001)] }), /no table can have/],
    ['2', table(2, { rows: [rowOf('m', -1)] }), /no table can have/],
    ['2', table(2, { rows: [rowOf('m'), rowOf('m')] }), /twice/],
  ]
  for (const [key, value, expected] of problems) {
    const read = readTable(key, value)
    assert.match('problem' in read ? read.problem : 'taken', expected)
  }
  assert.ok('rows' in readTable('2', table(2, { written_by: 'x'.repeat(WRITTEN_BY_CHARACTERS_MAX) })))
})
