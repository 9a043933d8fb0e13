import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseRfc3339 } from './rfc3339.ts'

const AT = Date.UTC(2026, 1, 20, 14, 30, 0, 123)

test('any offset, any letter case, digits below the millisecond cut', () => {
  for (const text of [
    '2026-02-20T14:30:00.123Z',
    '2026-02-20t14:30:00.123z',
    '2026-02-20T14:30:00.123999999999999999999Z',
    '2026-02-20T14:30:00.123+00:00',
    '2026-02-20T14:30:00.123-00:00',
    '2026-02-20T16:30:00.123+02:00',
    '2026-02-20T09:00:00.123-05:30',
    '2026-02-21T14:29:00.123+23:59',
  ]) {
    assert.equal(parseRfc3339(text), AT, text)
  }
  assert.equal(parseRfc3339('2026-02-20T14:30:00.1Z'), AT - 23)
  assert.equal(parseRfc3339('2026-02-20T14:30:00Z'), AT - 123)
  assert.equal(parseRfc3339('2024-02-29T23:59:59Z'), Date.UTC(2024, 1, 29, 23, 59, 59))
  assert.equal(parseRfc3339('2000-02-29T00:00:00Z'), Date.UTC(2000, 1, 29))
  assert.equal(parseRfc3339('0000-01-01T00:00:00Z'), -62_167_219_200_000)
})

test('what is no RFC 3339 time is none', () => {
  for (const text of [
    '',
    '2026-02-20',
    '2026-02-20T14:30:00',
    '2026-02-20T14:30Z',
    '2026-02-20 14:30:00Z',
    '2026-02-20T14:30:60Z',
    '2026-06-30T23:59:60Z',
    '2026-02-20T24:00:00Z',
    '2026-02-20T14:60:00Z',
    '2026-02-30T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-02-20T14:30:00.Z',
    '2026-02-20T14:30:00,5Z',
    '2026-02-20T14:30:00+0200',
    '2026-02-20T14:30:00+02',
    '2026-02-20T14:30:00+24:00',
    '2026-02-20T14:30:00+02:60',
    '2026-02-20T14:30:00Z ',
    ' 2026-02-20T14:30:00Z',
    '+002026-02-20T14:30:00Z',
    '2026-02-20T14:30:00ZZ',
    '２026-02-20T14:30:00Z',
    '1771597800123',
  ]) {
    assert.equal(parseRfc3339(text), null, text)
  }
})

test('every time from year 0 to 9999 is read as the machine writes it', () => {
  const any = fc.integer({ min: Date.UTC(2000, 0, 1) - 2_000 * 31_556_952_000, max: Date.UTC(9999, 11, 31) })
  fc.assert(
    fc.property(any, (atMs) => {
      const text = new Date(atMs).toISOString()
      if (text.length === 24) assert.equal(parseRfc3339(text), atMs)
    }),
    { numRuns: 2_000 },
  )
})
