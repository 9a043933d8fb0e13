import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { usageEventsCodec } from '../../../schemas/avro.ts'
import { formatUuid, readsAsId } from '../../../schemas/ids.ts'
import { EXECUTIONS, NO_MORE, TASK_SOURCES, USAGE_BOUNDS } from '../../../schemas/usage.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { SENT_ENERGY_SOURCES, USAGE_FIELDS, acceptUsageEvent, ageProblem } from './accept.ts'
import { accepted, event, judge, MINIMAL, NOW, refused } from './accept-fixture.ts'
import { Refusal } from '../../json/refusal.ts'
import { readJsonItems } from '../../json/json-items.ts'
import type { JsonItems } from '../../json/json-items.ts'

const { ageMsMax, aheadMsMax, taskSlackMs } = USAGE_BOUNDS

test('the minimal event, absent and null alike', () => {
  const expected: UsageEvent = {
    event_id: Buffer.from('0123456789abcdef0123456789abcdef', 'hex'),
    event_text: null,
    node_id: 'node-1',
    operator_id: null,
    model_id: 'llama',
    task_source: 'hive',
    occurred_at: NOW,
    tokens_in: 0,
    tokens_out: 0,
    duration_ms: null,
    gpu_ms: null,
    energy_mwh: null,
    energy_source: 'none',
    cost_nano_usd: 0,
    goal_id: null,
    requester_node_id: null,
    reservation_id: null,
    event_source: null,
    more: null,
  }
  assert.deepEqual(accepted({}), expected)
  const optional = USAGE_FIELDS.filter((name) => !Object.hasOwn(MINIMAL, name))
  assert.deepEqual(accepted(Object.fromEntries(optional.map((name) => [name, 'null']))), expected)
})

test('required fields: absent, null, of another type', () => {
  for (const name of Object.keys(MINIMAL)) {
    const { [name]: _left, ...rest } = MINIMAL as Record<string, unknown>
    const result = judge(JSON.stringify(rest))
    assert.ok(result instanceof Refusal)
    assert.deepEqual([result.code, result.path], ['missing', `/${name}`])
    assert.equal(refused({ [name]: 'null' }), `missing /${name}`)
    for (const value of ['true', '{}', '[]']) assert.equal(refused({ [name]: value }), `wrong_type /${name}`)
  }
  for (const name of ['event_id', 'node_id', 'model_id', 'task_source']) {
    assert.equal(refused({ [name]: '5' }), `wrong_type /${name}`)
    assert.equal(refused({ [name]: '1e2' }), `wrong_type /${name}`)
  }
})

test('an item that is no object', () => {
  for (const text of ['5', '"x"', 'null', 'true', '[[1]]', '1e2']) {
    const items = readJsonItems(Buffer.from(text), 1) as JsonItems
    const result = acceptUsageEvent(items.read(0), NOW)
    assert.ok(result instanceof Refusal)
    assert.equal(result.code, 'not_an_object')
  }
})

test('unknown fields are refused: a misspelt cost must not become 0', () => {
  assert.equal(refused({ actual_usd_costs: '1' }), 'unknown_field /actual_usd_costs')
  assert.equal(refused({ Actual_usd_cost: '1' }), 'unknown_field /Actual_usd_cost')
  assert.equal(refused({ actual_usd_costs: 'null' }), 'unknown_field /actual_usd_costs')
  assert.equal(refused({ cost_nano_usd: '1' }), 'unknown_field /cost_nano_usd')
  assert.equal(refused({ 'a/b~c': '1' }), 'unknown_field /a~1b~0c')
  assert.equal(refused({ toString: '1' }), 'unknown_field /toString')
  const proto = judge(event({}).replace('{', '{"__proto__":{"actual_usd_cost":5},'))
  assert.ok(proto instanceof Refusal)
  assert.equal(proto.path, '/__proto__')
})

test('a field that stands twice is refused', () => {
  const result = judge(event({ actual_usd_cost: '1' }).replace(/}$/, ',"actual_usd_cost":2}'))
  assert.ok(result instanceof Refusal)
  assert.deepEqual([result.code, result.path], ['duplicate_field', '/actual_usd_cost'])
})

test('event_id: UUID, ULID or other text', () => {
  const upper = accepted({ event_id: '"01234567-89AB-CDEF-0123-456789ABCDEF"' })
  assert.equal(formatUuid(upper.event_id), MINIMAL.event_id)
  assert.equal(upper.event_text, '01234567-89AB-CDEF-0123-456789ABCDEF')
  const ulid = accepted({ event_id: '"01ARZ3NDEKTSV4RRFFQ69G5FAV"' })
  const lower = accepted({ event_id: '"01arz3ndektsv4rrffq69g5fav"' })
  assert.deepEqual(ulid.event_id, lower.event_id)
  assert.equal(accepted({ event_id: '"x"' }).event_text, 'x')
  assert.equal(accepted({ event_id: '"😀é \\u00e9"' }).event_text, '😀é é')
})

const LONE_SURROGATES = ['"a\\ud800b"', '"\\udc00"', '"\\udc00\\ud800"']

test('event_id and model_id: 1 to 128 code points, none of them control, surrogate or unassigned', () => {
  for (const name of ['event_id', 'model_id']) {
    accepted({ [name]: JSON.stringify('x'.repeat(128)) })
    accepted({ [name]: JSON.stringify('😀'.repeat(128)) })
    const bad = [...LONE_SURROGATES, '""', '"a\\u0000"', '"a\\nb"', '"\\u0085"', '"\\u0378"', '"\\uffff"']
    for (const text of [...bad, JSON.stringify('x'.repeat(129)), JSON.stringify('😀'.repeat(129))]) {
      assert.equal(refused({ [name]: text }), `invalid_text /${name}`, text)
    }
  }
})

test('ids: 1 to 64 of A-Z a-z 0-9 . _ : -', () => {
  for (const name of ['node_id', 'operator_id', 'goal_id', 'requester_node_id', 'reservation_id']) {
    accepted({ [name]: '"aZ09._:-"' })
    accepted({ [name]: JSON.stringify('x'.repeat(64)) })
    for (const text of [
      ...LONE_SURROGATES,
      '""',
      '"a b"',
      '"a\\n"',
      '"é"',
      '"a/b"',
      '"!"',
      JSON.stringify('x'.repeat(65)),
    ]) {
      assert.equal(refused({ [name]: text }), `invalid_id /${name}`, text)
    }
    assert.equal(refused({ [name]: '5' }), `wrong_type /${name}`)
  }
})

test('task_source and energy_source: one of their words', () => {
  for (const word of TASK_SOURCES) assert.equal(accepted({ task_source: `"${word}"` }).task_source, word)
  for (const word of ['', 'Own', 'hive ', 'none']) {
    assert.equal(refused({ task_source: `"${word}"` }), 'invalid_value /task_source')
  }
  for (const word of SENT_ENERGY_SOURCES) {
    assert.equal(accepted({ energy_mwh: '1', energy_source: `"${word}"` }).energy_source, word)
  }
  assert.equal(refused({ energy_mwh: '1', energy_source: '"none"' }), 'invalid_value /energy_source')
})

test('whole numbers: at the bounds and one beyond', () => {
  const rows = [
    ['tokens_in', USAGE_BOUNDS.tokensMax],
    ['tokens_out', USAGE_BOUNDS.tokensMax],
  ] as const
  for (const [name, max] of rows) {
    for (const [text, value] of [
      ['0', 0],
      ['-0', 0],
      ['0.0', 0],
      ['1e2', 100],
      ['100.0', 100],
      ['1.2E1', 12],
      ['12000e-3', 12],
      [String(max), max],
      [`${max}.000000000000000000`, max],
    ] as const) {
      assert.ok(Object.is(accepted({ [name]: text })[name], value), `${name} ${text}`)
    }
    for (const text of [
      '-1',
      String(max + 1),
      '0.5',
      '1e-1',
      `${max}.000000000000000001`,
      `${max - 1}.999999999999999999`,
      '1e30',
      '1e400',
      '9007199254740993',
      '1'.padEnd(500, '0'),
    ]) {
      assert.equal(refused({ [name]: text }), `out_of_range /${name}`, text)
    }
    for (const text of ['"5"', 'true', '[]', '{}'])
      assert.equal(refused({ [name]: text }), `wrong_type /${name}`)
  }
})

test('money: string or number, read from its text', () => {
  for (const [text, nano] of [
    ['0.29', 290_000_000],
    ['0.2900000000', 290_000_000],
    ['0.290000000000000000000000', 290_000_000],
    ['0', 0],
    ['0.000000001', 1],
    ['1000000', 1e15],
    ['1000000.000000000000', 1e15],
    ['999999.999999999', 999_999_999_999_999],
  ] as const) {
    assert.equal(accepted({ actual_usd_cost: text }).cost_nano_usd, nano, text)
    assert.equal(accepted({ actual_usd_cost: `"${text}"` }).cost_nano_usd, nano, text)
  }
  assert.equal(accepted({ actual_usd_cost: '1e-9' }).cost_nano_usd, 1)
  assert.equal(accepted({ actual_usd_cost: '2.9e-1' }).cost_nano_usd, 290_000_000)
  assert.equal(accepted({ actual_usd_cost: '1e6' }).cost_nano_usd, 1e15)
  for (const text of ['-0.01', '1000000.000000001', '1000001', '-5']) {
    assert.equal(refused({ actual_usd_cost: text }), 'out_of_range /actual_usd_cost', text)
    assert.equal(refused({ actual_usd_cost: `"${text}"` }), 'out_of_range /actual_usd_cost', text)
  }
  assert.equal(refused({ actual_usd_cost: '1e7' }), 'out_of_range /actual_usd_cost')
  for (const text of [
    '1e',
    '1e1.5',
    '+1',
    '.5',
    '5.',
    '',
    ' 1',
    '1 ',
    '1,5',
    '0x1',
    '١',
    'NaN',
    '1_000',
    '00.5',
    '--1',
  ]) {
    assert.equal(refused({ actual_usd_cost: JSON.stringify(text) }), 'invalid_number /actual_usd_cost', text)
  }
  for (const text of ['true', '{}', '[]'])
    assert.equal(refused({ actual_usd_cost: text }), 'wrong_type /actual_usd_cost')
})

test('energy: kWh or mWh, not both', () => {
  for (const [text, mwh] of [
    ['0', 0],
    ['0.000001', 1],
    ['0.0000010000000000000', 1],
    ['1e-6', 1],
    ['4000', 4e9],
    ['0.12', 120_000],
  ] as const) {
    const { energy_mwh, energy_source } = accepted({ energy_kwh: text })
    assert.deepEqual([energy_mwh, energy_source], [mwh, 'device'], text)
  }
  assert.equal(accepted({ energy_kwh: '0.0000001' }).energy_mwh, 0)
  assert.equal(accepted({ energy_kwh: '0.0000015' }).energy_mwh, 2)
  assert.equal(accepted({ energy_kwh: '0.00057442898176' }).energy_mwh, 574)
  assert.equal(refused({ energy_kwh: '4000.000001' }), 'out_of_range /energy_kwh')
  assert.equal(refused({ energy_kwh: '-1' }), 'out_of_range /energy_kwh')
  assert.equal(refused({ energy_kwh: '"1"' }), 'wrong_type /energy_kwh')
  assert.equal(refused({ energy_kwh: '1', energy_mwh: '1' }), 'both_energies /energy_mwh')
  assert.equal(accepted({ energy_kwh: 'null', energy_mwh: '7' }).energy_mwh, 7)
  assert.equal(accepted({ energy_kwh: '1', energy_mwh: 'null' }).energy_mwh, 1_000_000)
  assert.equal(refused({ energy_source: '"meter"' }), 'energy_missing /energy_source')
})

test('occurred_at: RFC 3339 or epoch milliseconds, cut below the millisecond', () => {
  for (const text of [
    '"2026-11-21T12:00:00Z"',
    '"2026-11-21T12:00:00.000999Z"',
    '"2026-11-21T13:30:00+01:30"',
    String(NOW),
    `${NOW}.999999999999999`,
    `${NOW}.5`,
    `${NOW / 1e12}e12`,
  ]) {
    assert.equal(accepted({ occurred_at: text }).occurred_at, NOW, text)
  }
  for (const text of ['"2026-11-21T12:00:60Z"', '"2026-11-21T12:00:00"', '""', `"${NOW}"`, '"yesterday"']) {
    assert.equal(refused({ occurred_at: text }), 'invalid_time /occurred_at', text)
  }
  assert.equal(refused({ occurred_at: 'true' }), 'wrong_type /occurred_at')
})

test('age: 35 days back and 5 minutes ahead, both inclusive; the task is 10 minutes wider', () => {
  for (const [atMs, expected] of [
    [NOW - ageMsMax, null],
    [NOW - ageMsMax - 1, 'too_old /occurred_at'],
    [NOW + aheadMsMax, null],
    [NOW + aheadMsMax + 1, 'in_the_future /occurred_at'],
  ] as const) {
    if (expected === null) accepted({ occurred_at: String(atMs) })
    else assert.equal(refused({ occurred_at: String(atMs) }), expected)
  }
  assert.equal(refused({ occurred_at: '1e-300' }), 'too_old /occurred_at')
  assert.equal(refused({ occurred_at: '"9999-12-31T23:59:59Z"' }), 'in_the_future /occurred_at')
  assert.equal(ageProblem(NOW - ageMsMax - taskSlackMs, NOW, taskSlackMs), null)
  assert.equal(ageProblem(NOW - ageMsMax - taskSlackMs - 1, NOW, taskSlackMs)?.code, 'too_old')
  assert.equal(ageProblem(NOW + aheadMsMax + taskSlackMs, NOW, taskSlackMs), null)
  assert.equal(ageProblem(NOW + aheadMsMax + taskSlackMs + 1, NOW, taskSlackMs)?.code, 'in_the_future')
})

test('any money text comes back from its nano-USD', () => {
  const nano = fc.bigInt({ min: 0n, max: 10n ** 15n })
  fc.assert(
    fc.property(nano, fc.nat({ max: 24 }), fc.boolean(), (nanoUsd, zeros, quoted) => {
      const digits = String(nanoUsd).padStart(10, '0')
      const text = `${digits.slice(0, -9)}.${digits.slice(-9)}${'0'.repeat(zeros)}`
      const sent = quoted ? `"${text}"` : text
      assert.equal(BigInt(accepted({ actual_usd_cost: sent }).cost_nano_usd), nanoUsd)
    }),
    { numRuns: 2_000 },
  )
})

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null })
const id = fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/)
const freeText = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 128 })
  .filter((text) => /^[^\p{Cc}\p{Cs}\p{Cn}]{1,128}$/u.test(text))
const usage = fc.record({
  event_id: fc.oneof(fc.uuid(), freeText),
  source: optional(freeText),
  node_id: id,
  operator_id: optional(id),
  goal_id: optional(id),
  requester_node_id: optional(id),
  reservation_id: optional(id),
  model_id: freeText,
  task_source: fc.constantFrom(...TASK_SOURCES),
  occurred_at: fc.integer({ min: NOW - ageMsMax, max: NOW + aheadMsMax }),
  tokens_in: fc.nat({ max: USAGE_BOUNDS.tokensMax }),
  tokens_out: fc.nat({ max: USAGE_BOUNDS.tokensMax }),
  duration_ms: optional(fc.nat({ max: USAGE_BOUNDS.durationMsMax })),
  gpu_ms: optional(fc.nat({ max: USAGE_BOUNDS.durationMsMax })),
  energy_mwh: optional(fc.nat({ max: USAGE_BOUNDS.energyMwhMax })),
  gpus: fc.option(fc.integer({ min: 1, max: USAGE_BOUNDS.gpusMax }), { nil: 1, freq: 1 }),
  inferences: fc.option(fc.integer({ min: 1, max: USAGE_BOUNDS.inferencesMax }), { nil: 1, freq: 1 }),
  execution: fc.option(fc.constantFrom(...EXECUTIONS), { freq: 1 }),
  labels: fc.dictionary(fc.stringMatching(/^[a-z0-9_]{1,32}$/), fc.stringMatching(/^[a-z ]{1,64}$/), {
    maxKeys: USAGE_BOUNDS.labelsMax,
  }),
})

test('source: 1 to 256 code points, kept beside a plain text', () => {
  const sourceOf = (event_id: string, source: string): string | null =>
    accepted({ event_id: JSON.stringify(event_id), source: JSON.stringify(source) }).event_source
  assert.equal(sourceOf('order 17', '/shop'), '/shop')
  assert.equal(sourceOf('order 17', '😀'.repeat(256)), '😀'.repeat(256))
  assert.equal(sourceOf('01ARZ3NDEKTSV4RRFFQ69G5FAV', '/shop'), null)
  assert.equal(accepted({ event_id: '"order 17"', source: 'null' }).event_source, null)
  for (const source of ['', 'a\n', '\ud800', '😀'.repeat(257)]) {
    for (const event_id of ['"order 17"', '"01ARZ3NDEKTSV4RRFFQ69G5FAV"']) {
      assert.equal(refused({ event_id, source: JSON.stringify(source) }), 'invalid_text /source')
    }
  }
  assert.equal(refused({ source: '5' }), 'wrong_type /source')
})

type Sent = typeof usage extends fc.Arbitrary<infer Value> ? Value : never

test('any accepted event decodes to what was sent', () => {
  fc.assert(
    fc.property(fc.array(usage, { maxLength: 5 }), (sent) => {
      const items = readJsonItems(Buffer.from(JSON.stringify(sent)), 5) as JsonItems
      const events = sent.map((_, index) => acceptUsageEvent(items.read(index), NOW) as UsageEvent)
      const decoded = usageEventsCodec.decode(usageEventsCodec.encode({ events })).events
      for (const [index, event] of decoded.entries()) {
        const { event_id, event_text, event_source, energy_source, cost_nano_usd, more, ...rest } = event
        const { source, gpus, inferences, execution, labels, ...plain } = sent[index] as Sent
        assert.deepEqual({ event_id: event_text ?? formatUuid(event_id), ...rest }, plain)
        const { labels: kept, ...said } = { ...NO_MORE, ...more }
        assert.deepEqual(said, { gpus, inferences, execution, tokens_cached: null, tokens_reasoning: null })
        assert.deepEqual(
          kept.map(({ name, value }) => [name, value]),
          Object.entries(labels).toSorted(([left], [right]) => (left < right ? -1 : 1)),
        )
        // A source is kept where it is part of the event's identity.
        assert.equal(event_source, readsAsId(plain.event_id) ? null : source)
        assert.equal(energy_source, rest.energy_mwh === null ? 'none' : 'device')
        assert.equal(cost_nano_usd, 0)
      }
    }),
    { numRuns: 500 },
  )
})
