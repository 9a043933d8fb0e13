import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readAnswers } from '../../../../test/support/fleet/read-answers.ts'
import type { Asked } from '../../../../test/support/fleet/read-answers.ts'

const read = (
  asked: Asked,
  zone: string | null = 'Etc/UTC',
): ReturnType<typeof readAnswers>['telemetry']['errors'] =>
  readAnswers('whatsminer', asked, { location_timezone: zone }).telemetry.errors
const summary = (body: object): Asked => ({ summary: { SUMMARY: [body] } })

describe('errors', () => {
  const codes = (list: unknown): Asked => ({ get_error_code: { Msg: { error_code: list } } })
  const errorsOf = (asked: Asked, zone: string | null = 'Etc/UTC'): unknown =>
    read(asked, zone)?.map((error) => [error.vendor_code, error.component, error.first_seen, error.message])

  test('codes with times, without braces, with words that are no codes; the component is that of the hundreds', () => {
    const list = [{ 207: '2026-05-03 10:00:00', why: 'x' }, { 2010: '' }, 541, '701', 'none', 0]
    assert.deepEqual(errorsOf(codes(list)), [
      ['207', 'psu', '2026-05-03T10:00:00.000Z', null],
      ['2010', 'pool', null, null],
      ['541', 'hashboard', null, null],
      ['701', 'control_board', null, null],
    ])
    const text = '{"Msg":{"error_code":["352":"2026-05-03 10:00:00","90001":"2026-05-03 10:00:01"]}}'
    assert.deepEqual(errorsOf({ get_error_code: text }, null), [
      ['352', 'device', null, '2026-05-03 10:00:00'],
      ['90001', null, null, '2026-05-03 10:00:01'],
    ])
  })

  test('an error from before the clock was set has no time', () => {
    assert.deepEqual(errorsOf(codes([{ 101: '1970-01-01 00:03:00' }])), [
      ['101', 'fan', null, '1970-01-01 00:03:00'],
    ])
  })

  test('version 1 numbers them in the summary', () => {
    const numbered = summary({ 'Error Code Count': 2, 'Error Code 0': 411, 'Error Code 1': '601' })
    assert.deepEqual(errorsOf(numbered), [
      ['411', 'hashboard', null, null],
      ['601', 'device', null, null],
    ])
    assert.deepEqual(errorsOf(summary({ 'Error Code Count': 0 })), [])
    assert.equal(errorsOf(summary({ 'Error Code Count': 3 })), undefined)
    assert.equal(errorsOf(summary({ Elapsed: 5 })), undefined)
    // Their list says more.
    assert.deepEqual(errorsOf({ ...numbered, ...codes([]) }), [])
  })

  test('no more of them are kept than are read at once', () => {
    const many = Array.from({ length: 300 }, (_, index) => index + 100)
    assert.equal(read(codes(many))?.length, 64)
    assert.equal(read(summary({ 'Error Code Count': 1e9, 'Error Code 0': 100 }))?.length, 1)
  })
})
