import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventItem, UsageItem } from '../../../schemas/http/usage.ts'
import { bound } from '../../../test/support/oracles/named-bounds.ts'
import { columnsOf } from './table-columns.ts'
import { tableHeaders } from './table-name.ts'

const FROM = Date.UTC(2026, 1, 19)
const TO = Date.UTC(2026, 1, 20, 0, 0, 0, 5)

test('the file of a table is called by what it is of, and its headers say the same', () => {
  const name = { parts: ['usage', 'node:1', '1h'], range: { fromMs: FROM, toMs: TO }, zone: 'Europe/Berlin' }
  assert.deepEqual(tableHeaders({ ...name, asOf: '2026-02-20T14:30:00.000Z' }, 'csv'), {
    'content-disposition':
      'attachment; filename="usage_node-1_1h_20260219T000000Z_20260220T000000.005Z_Europe-Berlin_as-of-20260220T143000Z.csv"',
    'hivemeter-from': '2026-02-19T00:00:00.000Z',
    'hivemeter-to': '2026-02-20T00:00:00.005Z',
    'hivemeter-tz': 'Europe/Berlin',
    'hivemeter-as-of': '2026-02-20T14:30:00.000Z',
  })
})

test('PART_CHARACTERS_MAX: names that others chose neither leave the header nor grow in it', () => {
  const most = bound('services/reader/history/table-name.ts', 'PART_CHARACTERS_MAX')
  const nameOf = (operator: string) =>
    tableHeaders({ parts: ['wallet', operator], asOf: null }, 'parquet')['content-disposition']
  assert.equal(nameOf('a"b\r\n/..\\é😀'), 'attachment; filename="wallet_a-b---..----_as-of-nothing.parquet"')
  assert.equal(nameOf('x'.repeat(most)), nameOf('x'.repeat(most + 1)))
})

test('every field of an item has a column of its kind', () => {
  const kinds = (columns: ReturnType<typeof columnsOf>) =>
    Object.fromEntries(columns.map(({ name, kind, isNullable }) => [name, isNullable ? `${kind}?` : kind]))
  const usage = kinds(columnsOf(UsageItem, Object.keys(UsageItem.properties), 'sum'))
  assert.deepEqual(
    [
      usage['window_start'],
      usage['model_id'],
      usage['inferences'],
      usage['gpu_hours'],
      usage['usd_exact'],
      usage['final'],
    ],
    ['time', 'text?', 'sum', 'double', 'amount', 'flag'],
  )
  const events = kinds(columnsOf(EventItem, Object.keys(EventItem.properties), 'integer'))
  assert.deepEqual(
    [events['event_id'], events['duration_ms'], events['settled_at'], events['decision'], events['late']],
    ['text', 'integer?', 'time?', 'text?', 'flag'],
  )
})
