import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLOCK_SKEW_MS_MAX, deviceTime, timeBefore } from './clocks.ts'
import { durationS } from './durations.ts'
import { isSecretKey, publicUrl } from './secrets.ts'
import { flagOf, identityText, ipText, macText, shownText } from './texts.ts'
import { Warnings } from './warnings.ts'

test('durations', () => {
  const READ: Readonly<Record<string, number>> = {
    '0:00:07': 7,
    '1:02:03': 3_723,
    '03:04:05:06': 273_906,
    '2 days,  3:15': 184_500,
    '1 day, 0:00:09': 86_409,
    '5 days': 432_000,
    '4:20': 15_600,
    '2h 5m 1s': 7_501,
    '3 min': 180,
  }
  for (const [text, seconds] of Object.entries(READ)) assert.equal(durationS(text), seconds, text)
  for (const text of ['', '0', '12', 'never', '1:2:3:4:5', '-1:00:00', '2 days, x', '1:234'])
    assert.equal(durationS(text), null, text)
})

test('a MAC has one form, and one of zeros or ones is none', () => {
  for (const text of ['02:00:00:0a:bC:01', '02-00-00-0A-BC-01', '0200000abc01', ' 02:00:00:0A:BC:01 '])
    assert.equal(macText(text), '02:00:00:0A:BC:01', text)
  for (const raw of ['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '02:00:00:0a:bc', '', 'N/A', 12, null])
    assert.equal(macText(raw), null)
})

test('addresses, serials and texts', () => {
  assert.equal(ipText(' 10.20.0.9 '), '10.20.0.9')
  assert.equal(ipText('fd00::9'), 'fd00::9')
  for (const raw of ['0.0.0.0', '::', '10.20.0', 'host', 7]) assert.equal(ipText(raw), null)
  assert.equal(identityText(' AB0123 '), 'AB0123')
  for (const raw of ['', 'N/A', 'unknown', '0000000', '0', 'ffff', 'Default', null])
    assert.equal(identityText(raw), null)
  assert.equal(shownText('a\u0000b\nc'), 'a b c')
  assert.equal(shownText(3.7), '3.7')
  assert.equal(shownText('x'.repeat(500))?.length, 128)
  for (const raw of ['', ' \n', null, {}, true]) assert.equal(shownText(raw), null)
})

test('flags in any form', () => {
  for (const raw of [true, 1, 'true', 'ON', 'Y', 'enabled', ' 1 ']) assert.equal(flagOf(raw), true)
  for (const raw of [false, 0, 'false', 'off', 'N', 'disable', '0']) assert.equal(flagOf(raw), false)
  for (const raw of [null, 2, 'maybe', '', []]) assert.equal(flagOf(raw), null)
})

test('a pool keeps its address and loses every login', () => {
  const SHOWN: Readonly<Record<string, string>> = {
    'stratum+tcp://pool.example:3333': 'stratum+tcp://pool.example:3333',
    'pool.example:3333': 'pool.example:3333',
    'stratum2+tcp://pool.example:3336/authority': 'stratum2+tcp://pool.example:3336/authority',
    'stratum+tcp://a:b@pool.example:3333': 'stratum+tcp://pool.example:3333',
    'a:b@pool.example:3333': 'pool.example:3333',
    'stratum+tcp://a:b/@c?d#e@pool.example:3333/x': 'stratum+tcp://pool.example:3333/x',
    'http://pool.example/?token=t#s': 'http://pool.example/',
  }
  for (const [url, shown] of Object.entries(SHOWN)) assert.equal(publicUrl(url), shown)
  for (const url of ['', 'a:b@', '?x']) assert.equal(publicUrl(url), null)
  assert.equal(shownText('lost stratum+tcp://a:b@pool.example'), 'lost stratum+tcp://pool.example')
})

test('keys that look like a password, and those that only sound so', () => {
  for (const key of [
    'pass',
    'Password',
    'passwd',
    'stratumPassword',
    'pool_pass',
    'Worker Pass',
    'apiKey',
    'api-key',
    'authToken',
    'pwd',
  ])
    assert.ok(isSecretKey(key), key)
  for (const key of ['accepted', 'bypass', 'Session', 'author', 'compass', 'key', 'hashrate'])
    assert.ok(!isSecretKey(key), key)
})

test('a clock that is further off than a year is none, with a warning', () => {
  const nowMs = Date.UTC(2026, 4, 4)
  const warnings = new Warnings()
  assert.equal(deviceTime((nowMs - CLOCK_SKEW_MS_MAX) / 1_000, nowMs, warnings), '2025-05-04T00:00:00.000Z')
  assert.equal(deviceTime(null, nowMs, warnings), null)
  assert.deepEqual(warnings.list(), [])
  for (const epochS of [0, 986, 1e300, (nowMs + CLOCK_SKEW_MS_MAX) / 1_000 + 1])
    assert.equal(deviceTime(epochS, nowMs, warnings), null)
  assert.deepEqual(warnings.list(), ['device_clock_unset'])
  assert.equal(timeBefore(nowMs, 60), '2026-05-03T23:59:00.000Z')
  assert.equal(timeBefore(nowMs, null), null)
  assert.equal(timeBefore(nowMs, 1e300), null)
})
