import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Cursors } from './cursor.ts'
import { csvInTurns } from './csv.ts'
import { negotiate } from './negotiate.ts'
import { Problem } from './problem.ts'
import { TIME_MS_MAX, formatTime, parseTime } from './times.ts'

test('times: any offset, epoch milliseconds, digits below the millisecond cut', () => {
  const at = Date.UTC(2026, 1, 20, 14, 30, 0, 123)
  for (const text of [
    '2026-02-20T14:30:00.123Z',
    '2026-02-20t14:30:00.123999999z',
    '2026-02-20T16:30:00.123+02:00',
    '2026-02-20T16:30:00.123 02:00',
    '2026-02-20T09:00:00.123-05:30',
    String(at),
  ]) {
    assert.equal(parseTime(text), at, text)
  }
  assert.equal(parseTime('2024-02-29T00:00:00Z'), Date.UTC(2024, 1, 29))
})

test('times: what is none is refused', () => {
  for (const text of [
    '',
    'yesterday',
    '2026-02-20',
    '2026-02-20T14:30:00',
    '2026-02-20T14:30:60Z',
    '2026-02-20T24:00:00Z',
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-02-20T14:30:00+24:00',
    '1969-12-31T23:59:59.999Z',
    '9999-01-01T00:00:00Z',
    '-5',
    '1e12',
  ]) {
    assert.equal(parseTime(text), null, text)
  }
})

test('times: what goes out comes in again', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: TIME_MS_MAX }), (timeMs) => {
      assert.equal(parseTime(formatTime(timeMs)), timeMs)
    }),
  )
})

test('cursors: open only in their scope, whole and unaltered', () => {
  const cursors = new Cursors(Buffer.alloc(32, 1))
  const sealed = cursors.seal('events node-1', ['1700000000000', '7'])
  assert.deepEqual(cursors.open('events node-1', sealed, 2), ['1700000000000', '7'])
  const altered = `${sealed.slice(0, -2)}${sealed.at(-2) === 'A' ? 'B' : 'A'}${sealed.at(-1)}`
  const other = new Cursors(Buffer.alloc(32, 2))
  for (const open of [
    () => cursors.open('events node-2', sealed, 2),
    () => cursors.open('events node-1', sealed, 3),
    () => cursors.open('events node-1', altered, 2),
    () => cursors.open('events node-1', sealed.slice(0, 10), 2),
    () => cursors.open('events node-1', '', 2),
    () => other.open('events node-1', sealed, 2),
  ]) {
    assert.throws(open, (error) => error instanceof Problem && error.code === 'invalid_cursor')
  }
})

test('csv: every text quoted, formulas disarmed, numbers as they are', async () => {
  const text = await csvInTurns(
    ['name', 'n', 'late', 'none'],
    [
      { name: 'a,"b"\n', n: 0.29, late: true, none: null },
      { name: '=SUM(A1)', n: -5, late: false, none: null },
      { name: 'a;=SUM(A1)\tb', n: 1n, late: false, none: '' },
    ],
    { itemsPerTurn: 2, pause: async () => {} },
  )
  assert.equal(
    text,
    'name,n,late,none\r\n"a,""b""\n",0.29,true,\r\n"\'=SUM(A1)",-5,false,\r\n"a;=SUM(A1)\tb",1,false,""\r\n',
  )
})

test('negotiation: the best liked of what there is', () => {
  const offered = ['application/json', 'text/csv'] as const
  const chosen = (accept?: string) => negotiate(accept, offered)
  assert.equal(chosen(), 'application/json')
  assert.equal(chosen('*/*'), 'application/json')
  assert.equal(chosen('text/csv'), 'text/csv')
  assert.equal(chosen('text/*, application/json;q=0.5'), 'text/csv')
  assert.equal(chosen('text/csv;q=0, */*'), 'application/json')
  assert.equal(chosen('TEXT/CSV; q=0.9 , application/xml'), 'text/csv')
  assert.throws(
    () => chosen('application/xml'),
    (error) => error instanceof Problem && error.status === 406,
  )
})
