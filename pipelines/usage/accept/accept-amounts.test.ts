import assert from 'node:assert/strict'
import { test } from 'node:test'
import { USAGE_BOUNDS } from '../../../schemas/usage.ts'
import { accepted, event, judge, NOW, refused, rounded } from './accept-fixture.ts'
import { Refusal } from '../../json/refusal.ts'

test('times and energy: rounded half-even to the unit, at the bounds and beyond', () => {
  const rows = [
    ['duration_ms', USAGE_BOUNDS.durationMsMax],
    ['gpu_ms', USAGE_BOUNDS.durationMsMax],
    ['energy_mwh', USAGE_BOUNDS.energyMwhMax],
  ] as const
  for (const [name, max] of rows) {
    for (const [text, value, isRounded] of [
      ['0', 0, false],
      ['-0', 0, false],
      ['1e2', 100, false],
      ['12000e-3', 12, false],
      ['0.5', 0, true],
      ['1.5', 2, true],
      ['2.5', 2, true],
      ['2.50000000000000000000000001', 3, true],
      ['161203.8', 161_204, true],
      ['1e-1', 0, true],
      [String(max), max, false],
      [`${max}.000000000000000000`, max, false],
      [`${max - 1}.999999999999999999`, max, true],
    ] as const) {
      const found = rounded({ [name]: text })
      assert.ok(Object.is(found.event[name], value), `${name} ${text}`)
      assert.equal(found.isRounded, isRounded, `${name} ${text}`)
    }
    for (const text of ['-1', '-0.1', String(max + 1), `${max}.000000000000000001`, '1e30', '1e400']) {
      assert.equal(refused({ [name]: text }), `out_of_range /${name}`, text)
    }
    assert.equal(refused({ [name]: '1'.padEnd(500, '0') }), `invalid_number /${name}`)
    for (const text of ['"5"', 'true', '[]', '{}'])
      assert.equal(refused({ [name]: text }), `wrong_type /${name}`)
  }
})

test('costs finer than a nano-USD are rounded half-even, once, and counted', () => {
  for (const [text, nano, isRounded] of [
    ['0.00022500000000000002', 225_000, true],
    ['0.30000000000000004', 300_000_000, true],
    ['0.29000000000000000000001', 290_000_000, true],
    ['0.0000000001', 0, true],
    ['0.0000000005', 0, true],
    ['0.0000000015', 2, true],
    ['0.2900000001', 290_000_000, true],
    ['2.5e-9', 2, true],
    ['1e-10', 0, true],
    ['1e-2', 10_000_000, false],
    ['1E+6', 1e15, false],
    ['0.2900000000000000000000000000000000000', 290_000_000, false],
  ] as const) {
    for (const sent of [text, `"${text}"`]) {
      const found = rounded({ actual_usd_cost: sent })
      assert.deepEqual([found.event.cost_nano_usd, found.isRounded], [nano, isRounded], sent)
    }
  }
  for (const text of ['-1e-30', '-0.0000000001', '1000000.0000000001', '1e400']) {
    assert.equal(refused({ actual_usd_cost: text }), 'out_of_range /actual_usd_cost', text)
    assert.equal(refused({ actual_usd_cost: `"${text}"` }), 'out_of_range /actual_usd_cost', text)
  }
  const long = `0.${'1'.repeat(40)}`
  assert.equal(refused({ actual_usd_cost: long }), 'invalid_number /actual_usd_cost')
  assert.equal(refused({ actual_usd_cost: `"${long}"` }), 'invalid_number /actual_usd_cost')
})

test('400 costs as programs compute them are all taken', () => {
  for (let at = 1; at <= 400; at += 1) {
    const cost = (at * 37 * 2.5) / 1_000_000 + (at * 11 * 10) / 1_000_000
    const { cost_nano_usd } = accepted({ actual_usd_cost: String(cost) })
    assert.ok(Math.abs(cost_nano_usd - cost * 1e9) <= 0.5 + 1e-6, String(cost))
  }
})

test('ids that a program writes for none are refused by name', () => {
  for (const word of ['None', 'null', 'NULL', 'undefined', 'NaN', 'nan']) {
    for (const name of [
      'event_id',
      'node_id',
      'operator_id',
      'goal_id',
      'requester_node_id',
      'reservation_id',
    ]) {
      const result = judge(event({ [name]: `"${word}"` }))
      assert.ok(result instanceof Refusal, word)
      assert.deepEqual([result.code, result.path], ['no_id', `/${name}`])
      assert.match(result.detail, new RegExp(`"${word}"`))
    }
  }
  for (const word of ['None1', 'nullable', 'a.undefined', 'nano'])
    accepted({ event_id: `"${word}"`, node_id: `"${word}"` })
})

test('a time in another unit is refused with the number and the unit that it looks like', () => {
  const seconds = NOW / 1_000
  for (const [text, unit] of [
    [String(seconds), 'seconds'],
    [`${seconds}.25`, 'seconds'],
    [`${seconds * 10}e-1`, 'seconds'],
    [`${NOW}000`, 'microseconds'],
    [`${NOW}000000`, 'nanoseconds'],
    ['1e300', 'no time'],
    ['-1e300', 'no time'],
  ] as const) {
    const result = judge(event({ occurred_at: text }))
    assert.ok(result instanceof Refusal)
    assert.deepEqual([result.code, result.path], ['invalid_time', '/occurred_at'])
    assert.ok(result.detail.includes(`Is ${text}, which looks like ${unit}`), result.detail)
  }
})
