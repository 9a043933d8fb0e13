import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modelsTableCodec } from '../../schemas/avro.ts'
import { COMPILED_TABLE, ModelTable } from '../../schemas/model-table.ts'
import { COMPILED_ROWS, MODEL_VERSIONS_KEPT } from '../../schemas/models.ts'
import { decideWrite, versionRecords } from './write-models.ts'
import type { TableRequest } from './write-models.ts'

const rows = [
  { pattern: 'a', paid_api: true, tdp_watts: 1 },
  { pattern: 'b*', paid_api: false, tdp_watts: 2 },
]
const requestOf = (changes: Partial<TableRequest> = {}): TableRequest => ({
  rows,
  writtenBy: 'key:a',
  expected: null,
  ...changes,
})

test('the next version is written where nobody was faster', () => {
  const newest = new ModelTable(7, [])
  assert.deepEqual(decideWrite(newest, requestOf()), { become: 'written', version: 8 })
  assert.deepEqual(decideWrite(newest, requestOf({ expected: [6, 7] })), { become: 'written', version: 8 })
  assert.deepEqual(decideWrite(newest, requestOf({ expected: [6] })), { become: 'stale', version: 7 })
  assert.deepEqual(decideWrite(newest, requestOf({ expected: [] })), { become: 'stale', version: 7 })
})

test('the same rows again are the same version, in any order and whatever was expected', () => {
  const newest = new ModelTable(7, rows)
  const again = requestOf({ rows: rows.toReversed(), expected: [6] })
  assert.deepEqual(decideWrite(newest, again), { become: 'same', version: 7 })
  for (const other of [
    [rows[0]],
    [rows[0], { ...rows[1], tdp_watts: 3 }],
    [rows[0], { ...rows[1], paid_api: true }],
  ])
    assert.equal(decideWrite(newest, requestOf({ rows: other as TableRequest['rows'] })).become, 'written')
  // The rows of the compiled table mean more in a version that knows normal forms.
  assert.equal(decideWrite(COMPILED_TABLE, requestOf({ rows: COMPILED_ROWS })).become, 'written')
})

test('a version is a record under its number, and ends the one that is no longer kept', () => {
  const [written, ...more] = versionRecords('t', 3, requestOf())
  assert.deepEqual([written?.topic, written?.partition, written?.key, more], ['t', 0, '3', []])
  const { version, written_by, rows: held } = modelsTableCodec.decode(written?.value ?? Buffer.alloc(0))
  assert.deepEqual(
    [version, written_by, held.map(({ pattern, paid_api, tdp_watts }) => ({ pattern, paid_api, tdp_watts }))],
    [3, 'key:a', rows],
  )
  const kept = (number: number) =>
    versionRecords('t', number, requestOf()).map(({ key, value }) => [key, value === null])
  assert.deepEqual(kept(MODEL_VERSIONS_KEPT + 1), [[String(MODEL_VERSIONS_KEPT + 1), false]])
  assert.deepEqual(kept(MODEL_VERSIONS_KEPT + 2), [
    [String(MODEL_VERSIONS_KEPT + 2), false],
    ['2', true],
  ])
})
