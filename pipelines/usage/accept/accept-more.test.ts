import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_MORE, USAGE_BOUNDS } from '../../../schemas/usage.ts'
import { accepted, event, judge, refused } from './accept-fixture.ts'
import { Refusal } from '../../json/refusal.ts'

const { gpusMax, inferencesMax, tokensMax, durationMsMax, labelsMax } = USAGE_BOUNDS

test('what says no more than an event without it is none', () => {
  for (const members of [
    {},
    { gpus: '1', inferences: '1', labels: '{}' },
    { tokens_cached: 'null', execution: 'null', labels: 'null' },
  ]) {
    assert.equal(accepted(members as Record<string, string>).more, null)
  }
  assert.deepEqual(accepted({ tokens_cached: '0' }).more, { ...NO_MORE, tokens_cached: 0 })
})

test('numbers: at their bounds and one beyond', () => {
  for (const [name, max] of [
    ['gpus', gpusMax],
    ['inferences', inferencesMax],
  ] as const) {
    assert.equal(accepted({ [name]: String(max) }).more?.[name], max)
    for (const text of ['0', '-1', '1.5', String(max + 1), '1e30'])
      assert.equal(refused({ [name]: text }), `out_of_range /${name}`, text)
    assert.equal(refused({ [name]: '"2"' }), `wrong_type /${name}`)
  }
})

test('cached and reasoning tokens are parts of the whole', () => {
  const { more } = accepted({
    tokens_in: String(tokensMax),
    tokens_out: '5',
    tokens_cached: String(tokensMax),
    tokens_reasoning: '5',
  })
  assert.deepEqual([more?.tokens_cached, more?.tokens_reasoning], [tokensMax, 5])
  assert.equal(refused({ tokens_in: '4', tokens_cached: '5' }), 'out_of_range /tokens_cached')
  assert.equal(refused({ tokens_out: '4', tokens_reasoning: '5' }), 'out_of_range /tokens_reasoning')
  assert.equal(refused({ tokens_cached: '1' }), 'out_of_range /tokens_cached')
})

test('GPU time is bounded by 7 days of each GPU', () => {
  assert.equal(accepted({ gpus: '8', gpu_ms: String(8 * 86_400_000) }).gpu_ms, 8 * 86_400_000)
  assert.equal(accepted({ gpus: '8', gpu_ms: String(8 * durationMsMax) }).gpu_ms, 8 * durationMsMax)
  assert.equal(refused({ gpus: '8', gpu_ms: String(8 * durationMsMax + 1) }), 'out_of_range /gpu_ms')
  assert.equal(refused({ gpu_ms: String(durationMsMax + 1) }), 'out_of_range /gpu_ms')
  assert.equal(refused({ gpus: '8', duration_ms: String(durationMsMax + 1) }), 'out_of_range /duration_ms')
})

test('execution: one of two words', () => {
  assert.equal(accepted({ execution: '"api"' }).more?.execution, 'api')
  assert.equal(accepted({ execution: '"local"' }).more?.execution, 'local')
  assert.equal(refused({ execution: '"API"' }), 'invalid_value /execution')
  assert.equal(refused({ execution: '1' }), 'wrong_type /execution')
})

test('labels: by name, at most 8, names and values bounded', () => {
  const labelsOf = (text: string) => accepted({ labels: text }).more?.labels
  assert.deepEqual(labelsOf('{"team":"näme","a_1":"x y"}'), [
    { name: 'a_1', value: 'x y' },
    { name: 'team', value: 'näme' },
  ])
  const many = (count: number) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, at) => [`l${at}`, 'x'])))
  assert.equal(labelsOf(many(labelsMax))?.length, labelsMax)
  assert.equal(refused({ labels: many(labelsMax + 1) }), 'out_of_range /labels')
  assert.equal(labelsOf(JSON.stringify({ ['a'.repeat(32)]: '😀'.repeat(64) }))?.length, 1)
  for (const [text, refusal] of [
    [JSON.stringify({ ['a'.repeat(33)]: 'x' }), `invalid_text /labels/${'a'.repeat(33)}`],
    ['{"Team":"x"}', 'invalid_text /labels/Team'],
    ['{"":"x"}', 'invalid_text /labels/'],
    [JSON.stringify({ a: '😀'.repeat(65) }), 'invalid_text /labels/a'],
    ['{"a":""}', 'invalid_text /labels/a'],
    ['{"a":"\\n"}', 'invalid_text /labels/a'],
    ['{"a":1}', 'wrong_type /labels/a'],
    ['{"a":null}', 'wrong_type /labels/a'],
    ['["a"]', 'wrong_type /labels'],
    ['"a"', 'wrong_type /labels'],
    ['1e2', 'wrong_type /labels'],
  ] as const) {
    assert.equal(refused({ labels: text }), refusal)
  }
  const twice = judge(event({ labels: '{"a":"x","a":"y"}' }))
  assert.ok(twice instanceof Refusal)
  assert.deepEqual([twice.code, twice.path], ['duplicate_field', '/labels/a'])
})
