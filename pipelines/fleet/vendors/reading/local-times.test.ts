import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LocalClock, isLocalTime } from './local-times.ts'

const utc = (zone: string | null, text: string): string | null => {
  const atMs = new LocalClock(zone).timeMs(text)
  return atMs === null ? null : new Date(atMs).toISOString()
}

test('a local time is read in its zone, by the offset of its day', () => {
  assert.equal(utc('Asia/Kolkata', '2026-01-02 03:04:05'), '2026-01-01T21:34:05.000Z')
  assert.equal(utc('America/New_York', '2026-01-15T12:00:00'), '2026-01-15T17:00:00.000Z')
  assert.equal(utc('America/New_York', '2026-07-15 12:00:00'), '2026-07-15T16:00:00.000Z')
  assert.equal(utc('Etc/UTC', ' 2026-07-15 12:00:00 '), '2026-07-15T12:00:00.000Z')
})

test('hours around a change of clocks', () => {
  assert.equal(utc('Europe/Berlin', '2026-03-29 01:59:59'), '2026-03-29T00:59:59.000Z')
  assert.equal(utc('Europe/Berlin', '2026-03-29 03:00:00'), '2026-03-29T01:00:00.000Z')
  assert.equal(utc('Europe/Berlin', '2026-10-25 01:59:59'), '2026-10-24T23:59:59.000Z')
  assert.equal(utc('Europe/Berlin', '2026-10-25 03:00:00'), '2026-10-25T02:00:00.000Z')
  // It occurs twice, and not at all.
  const twice = utc('Europe/Berlin', '2026-10-25 02:30:00')
  assert.ok(twice === '2026-10-25T00:30:00.000Z' || twice === '2026-10-25T01:30:00.000Z')
  const never = Date.parse(utc('Europe/Berlin', '2026-03-29 02:30:00') ?? '')
  assert.ok(Math.abs(never - Date.UTC(2026, 2, 29, 1)) <= 3_600_000)
})

test('no zone, no such zone, no such time', () => {
  assert.equal(utc(null, '2026-01-02 03:04:05'), null)
  assert.equal(utc('Nowhere/None', '2026-01-02 03:04:05'), null)
  for (const text of ['', '2026-02-30 00:00:00', '2026-01-02', '2026-01-02 25:00:00', '02.01.2026 03:04:05'])
    assert.equal(utc('Etc/UTC', text), null, text)
  assert.ok(isLocalTime('2026-01-02 03:04:05'))
  assert.ok(!isLocalTime('2026-01-02T03:04:05Z'))
})
