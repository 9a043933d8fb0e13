import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Value } from 'typebox/value'
import { AHEAD_MS_MAX, BOARDS_MAX, RATE_HS_MAX, WARNINGS_MAX } from '../../../schemas/fleet/bounds.ts'
import { MACHINE_FIELDS, REPORT_FIELDS, SAMPLE_FIELDS } from '../../../schemas/fleet/fields.ts'
import type { Field, Fields } from '../../../schemas/fleet/fields.ts'
import { jsonNameOf } from '../../../schemas/fleet/fields.ts'
import { workerTelemetryCodec } from '../../../schemas/fleet/codecs.ts'
import type { FleetItem } from '../../../schemas/fleet/records.ts'
import { FleetItemSchema } from '../../../schemas/http/fleet.ts'
import { batch } from '../../../test/support/records/fleet-items.ts'
import { Refusal } from '../../json/refusal.ts'
import { NO_RATES, NO_TELEMETRY, NO_TEMPERATURES } from '../empty.ts'
import { telemetryFault } from '../record-faults.ts'
import { acceptItem, refusedItem } from './accept-item.ts'

const NOW = Date.UTC(2026, 10, 30, 12)
const SAMPLE = { observed_at: NOW, serial: 'HM-7' }

function taken(item: unknown): FleetItem {
  const judged = acceptItem(item, NOW)
  if (judged instanceof Refusal) assert.fail(`${judged.code} ${judged.path}: ${judged.detail}`)
  return judged
}

function refused(item: unknown): [code: string, path: string] {
  const judged = acceptItem(item, NOW)
  assert.ok(judged instanceof Refusal, JSON.stringify(item))
  return [judged.code, judged.path]
}

test('a sample keeps its numbers exactly, and what it does not say is null', () => {
  const { sample } = taken({
    sample: {
      ...SAMPLE,
      mac: '02-00-00-00-0a-01',
      hashrate_hs: { now: RATE_HS_MAX, '5m': 0, avg: null },
      boards: [{ slot: 2, present: false, temp_chip_c: -0 }],
      shares: { accepted: 12 },
      errors: [{ vendor_code: 'F:1', first_seen: '2026-11-30T11:00:00+01:00' }],
    },
  })
  assert.equal(sample?.mac, '02:00:00:00:0A:01')
  assert.deepEqual(sample.hashrate_hs, {
    now: RATE_HS_MAX,
    _1m: null,
    _5m: 0,
    _10m: null,
    _15m: null,
    _30m: null,
    _1h: null,
    avg: null,
  })
  assert.deepEqual([sample.boards?.[0]?.slot, sample.boards?.[0]?.temp_chip_c], [2, 0])
  assert.deepEqual(sample.shares, { accepted: 12, rejected: null, stale: null, invalid: null })
  assert.equal(sample.errors?.[0]?.first_seen, Date.UTC(2026, 10, 30, 10))
  assert.deepEqual([sample.fans, sample.power_w, sample.mode, sample.warnings], [null, null, null, []])
})

test('a number out of its range becomes null with a warning, and the sample stays', () => {
  const { sample } = taken({
    sample: {
      ...SAMPLE,
      hashrate_hs: { now: 0.5, '1m': RATE_HS_MAX + 1 },
      power_w: -1,
      hw_errors: Number.POSITIVE_INFINITY,
      temp_c: { chip_max: 251 },
    },
  })
  assert.deepEqual([sample?.hashrate_hs.now, sample?.hashrate_hs._1m, sample?.power_w], [null, null, null])
  assert.deepEqual(sample?.warnings.toSorted(), [
    'out_of_range: /sample/hashrate_hs/1m',
    'out_of_range: /sample/hashrate_hs/now',
    'out_of_range: /sample/hw_errors',
    'out_of_range: /sample/power_w',
    'out_of_range: /sample/temp_c/chip_max',
  ])
})

test(`a sample has at most ${WARNINGS_MAX} warnings, of which its own come first`, () => {
  const warnings = Array.from({ length: WARNINGS_MAX - 1 }, (_, at) => `gap: ${at}`)
  const { sample } = taken({ sample: { ...SAMPLE, warnings, power_w: -1, power_limit_w: -1 } })
  assert.deepEqual(sample?.warnings, [...warnings, 'out_of_range: /sample/power_w'])
  assert.deepEqual(refused({ sample: { ...SAMPLE, warnings: [...warnings, 'a', 'b'] } }), [
    'too_large',
    '/sample/warnings',
  ])
})

test('anything else that is wrong refuses the item, and says where', () => {
  const of = (fields: object): unknown => ({ sample: { ...SAMPLE, ...fields } })
  const boards = Array.from({ length: BOARDS_MAX + 1 }, (_, slot) => ({ slot }))
  const wrong: readonly (readonly [unknown, string, string])[] = [
    [null, 'not_an_object', ''],
    [{}, 'invalid_value', ''],
    [{ sample: SAMPLE, poll: { ...SAMPLE, result: 'ok' } }, 'invalid_value', ''],
    [{ samples: SAMPLE }, 'unknown_field', '/samples'],
    [{ sample: [] }, 'wrong_type', '/sample'],
    [of({ hashrate: 1 }), 'unknown_field', '/sample/hashrate'],
    [of({ temp_c: { chip: 1 } }), 'unknown_field', '/sample/temp_c/chip'],
    [of({ observed_at: undefined }), 'missing', '/sample/observed_at'],
    [of({ observed_at: 'yesterday' }), 'invalid_time', '/sample/observed_at'],
    [of({ observed_at: -1 }), 'invalid_time', '/sample/observed_at'],
    [of({ observed_at: NOW + AHEAD_MS_MAX + 1 }), 'in_the_future', '/sample/observed_at'],
    [of({ serial: null }), 'no_id', '/sample'],
    [of({ serial: '' }), 'invalid_text', '/sample/serial'],
    [of({ serial: 'x'.repeat(129) }), 'invalid_text', '/sample/serial'],
    [of({ mac: '02:00' }), 'invalid_value', '/sample/mac'],
    [of({ power_w: '3400' }), 'wrong_type', '/sample/power_w'],
    [of({ mode: 'turbo' }), 'invalid_value', '/sample/mode'],
    [of({ is_mining: 1 }), 'wrong_type', '/sample/is_mining'],
    [of({ boards }), 'too_large', '/sample/boards'],
    [of({ boards: [{}] }), 'missing', '/sample/boards/0/slot'],
    [of({ boards: [7] }), 'wrong_type', '/sample/boards/0'],
    [of({ fans: {} }), 'wrong_type', '/sample/fans'],
    [{ poll: SAMPLE }, 'invalid_value', '/poll/result'],
    [{ poll: { ...SAMPLE, result: 'gone' } }, 'invalid_value', '/poll/result'],
    [{ report: { ...SAMPLE, power_w: 1 } }, 'unknown_field', '/report/power_w'],
  ]
  for (const [item, code, path] of wrong) assert.deepEqual(refused(item), [code, path])
})

test('poll results and reports are taken as they are', () => {
  assert.equal(taken({ poll: { ...SAMPLE, result: 'auth_failed' } }).poll?.result, 'auth_failed')
  const { report } = taken({
    report: { ...SAMPLE, model: 'S21', pools: [{ index: 1, url: 'stratum+tcp://pool.example:3333' }] },
  })
  assert.deepEqual([report?.model, report?.pools?.[0]?.index, report?.pools?.[0]?.user], ['S21', 1, null])
})

test('what an adapter reads has its place in a sample, a report or the machine', () => {
  const named = new Set(Object.keys({ ...MACHINE_FIELDS, ...SAMPLE_FIELDS, ...REPORT_FIELDS }))
  assert.deepEqual(
    Object.keys(NO_TELEMETRY).filter((name) => !named.has(name)),
    [],
  )
  const windows = Object.keys(SAMPLE_FIELDS.hashrate_hs.fields).map(jsonNameOf)
  assert.deepEqual(windows, Object.keys(NO_RATES))
  assert.deepEqual(Object.keys(SAMPLE_FIELDS.temp_c.fields), Object.keys(NO_TEMPERATURES))
})

/** A JSON value of a field: mostly a good one. */
function jsonOf(field: Field): fc.Arbitrary<unknown> {
  const odd = fc.constantFrom<unknown>(null, '', 'x', 0, -1, 1.5, 2 ** 53, true, [], {})
  const good = goodOf(field)
  return fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: odd })
}

function goodOf(field: Field): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'number':
      return fc.double({ min: field.min, max: field.max, noNaN: true })
    case 'rate':
    case 'count':
    case 'place':
      return fc.integer({ min: 0, max: field.max })
    case 'flag':
      return fc.boolean()
    case 'text':
    case 'code':
      return fc.constantFrom('a', 'HM 1', 'é'.repeat(128))
    case 'mac':
      return fc.constantFrom('02:00:00:00:00:01', '02-00-00-00-00-aa')
    case 'time':
      return fc.constantFrom<unknown>(0, NOW, '2026-11-30T12:00:00Z')
    case 'word':
      return fc.constantFrom(...field.words)
    case 'group':
      return objectOf(field.fields)
    default:
      return fc.array(objectOf(field.fields), { maxLength: 3 })
  }
}

const objectOf = (fields: Fields): fc.Arbitrary<unknown> =>
  fc.record(
    Object.fromEntries(Object.entries(fields).map(([name, field]) => [jsonNameOf(name), jsonOf(field)])),
    { noNullPrototype: true },
  )

const anyItem = fc.oneof(
  objectOf({ ...MACHINE_FIELDS, ...SAMPLE_FIELDS }).map((value) => ({
    sample: { ...SAMPLE, ...(value as object) },
  })),
  objectOf({ ...MACHINE_FIELDS, ...REPORT_FIELDS }).map((value) => ({
    report: { ...SAMPLE, ...(value as object) },
  })),
  fc.constantFrom('ok', 'partial', 'gone').map((result) => ({ poll: { ...SAMPLE, result } })),
)

test('what is accepted fits the documented schema and the task’s bounds, and comes out of the log as it went in', () => {
  let accepted = 0
  fc.assert(
    fc.property(anyItem, (drawn) => {
      const sent = JSON.parse(JSON.stringify(drawn)) as unknown
      const judged = acceptItem(sent, NOW)
      const kept = judged instanceof Refusal ? refusedItem(judged) : judged
      if (!(judged instanceof Refusal)) {
        accepted += 1
        assert.ok(Value.Check(FleetItemSchema, sent), JSON.stringify(sent))
      }
      const whole = batch([kept])
      assert.equal(telemetryFault(whole), null)
      const read = workerTelemetryCodec.decode(workerTelemetryCodec.encode(whole))
      assert.deepEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(whole)))
    }),
    { numRuns: 300 },
  )
  assert.ok(accepted > 20, `only ${accepted} were accepted`)
})
