import * as fc from 'fast-check'
import { SCHEMA_ID } from '../../../schemas/avro.ts'
import { AGE_MS_MAX, AHEAD_MS_MAX, WARNINGS_MAX } from '../../../schemas/fleet/bounds.ts'
import {
  jsonNameOf,
  MACHINE_FIELDS,
  POLL_RESULTS,
  REPORT_FIELDS,
  SAMPLE_FIELDS,
} from '../../../schemas/fleet/fields.ts'
import type { Field, Fields } from '../../../schemas/fleet/fields.ts'
import { lenientEncoder } from './lenient-avro.ts'

/** One content in the two forms in which a node may send it: packed, and as JSON. */

export type Drawn = Readonly<Record<string, unknown>>

/** A batch as bytes of worker-telemetry.v1, whatever its numbers and texts. */
export const packed: (batch: object) => Buffer = lenientEncoder(
  SCHEMA_ID.workerTelemetry,
  'worker-telemetry.v1',
)

const KINDS: Readonly<Record<string, Fields>> = {
  sample: { ...MACHINE_FIELDS, ...SAMPLE_FIELDS },
  poll: MACHINE_FIELDS,
  report: { ...MACHINE_FIELDS, ...REPORT_FIELDS },
}

/** An item as JSON has it: without what is null, under the names of JSON. */
export function jsonItem(item: Drawn): Drawn {
  const there = Object.entries(item).filter(([, value]) => value !== null)
  return Object.fromEntries(
    there.map(([kind, value]) => {
      const fields = KINDS[kind]
      return [kind, fields === undefined ? value : jsonObject(fields, value as Drawn)]
    }),
  )
}

function jsonObject(fields: Fields, record: Drawn): Drawn {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [jsonNameOf(name), jsonValue(fields[name], value)]),
  )
}

function jsonValue(field: Field | undefined, value: unknown): unknown {
  if (field?.kind === 'group') return jsonObject(field.fields, value as Drawn)
  if (field?.kind !== 'list' || value === null) return value
  return (value as readonly Drawn[]).map((part) => jsonObject(field.fields, part))
}

const texts = fc.constantFrom(
  'a',
  'HM 7',
  'é'.repeat(128),
  '😀',
  '~',
  '',
  'x'.repeat(129),
  'a\u0007',
  '\u007f',
)
const good = fc.constantFrom('a', 'HM 7', 'board-é')

/** A value of a field, mostly within its bounds. */
function valueOf(field: Field, nowMs: number): fc.Arbitrary<unknown> {
  const mostly = (arbitrary: fc.Arbitrary<unknown>, odd: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.oneof(
      { weight: 60, arbitrary },
      { weight: 25, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: odd },
    )
  switch (field.kind) {
    case 'number':
      return mostly(
        fc.double({ min: field.min, max: field.max, noNaN: true }),
        fc.constantFrom(field.min - 1, field.max * 2, -0),
      )
    case 'rate':
      return mostly(fc.integer({ min: 0, max: field.max }), fc.constantFrom(-0, 0.5, -1, 2 ** 53, 1e300))
    case 'count':
      return mostly(
        fc.integer({ min: 0, max: field.max }),
        fc.constantFrom(-1, field.max + 1, 2 ** 60, -(2 ** 60)),
      )
    case 'place':
      return fc.oneof(
        { weight: 60, arbitrary: fc.integer({ min: 0, max: field.max }) },
        { weight: 1, arbitrary: fc.constantFrom(-1, field.max + 1, 2 ** 31 - 1) },
      )
    case 'flag':
      return mostly(fc.boolean(), fc.boolean())
    case 'text':
      return mostly(good, texts)
    case 'code':
      return fc.oneof({ weight: 20, arbitrary: good }, { weight: 1, arbitrary: texts })
    case 'mac':
      return mostly(
        fc.constantFrom('02:00:00:00:00:01', '02:0A:FF:00:00:01'),
        fc.constantFrom('02-00-00-00-00-aa', '02:00:00:00:00:0a', '02:00:00:00:00:0G', '02:00:00:00:00', ''),
      )
    case 'time':
      return mostly(fc.constantFrom(0, nowMs, nowMs - 1), fc.constantFrom(-1, 2 ** 52))
    case 'word':
      return mostly(fc.constantFrom(...field.words), fc.constantFrom(...field.words))
    case 'group':
      return recordOf(field.fields, nowMs)
    default:
      return mostly(
        fc.array(recordOf(field.fields, nowMs), { maxLength: 3 }),
        fc.array(recordOf(field.fields, nowMs), {
          minLength: field.itemsMax,
          maxLength: field.itemsMax + 1,
        }),
      )
  }
}

function recordOf(fields: Fields, nowMs: number): fc.Arbitrary<Drawn> {
  return fc.record(
    Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, valueOf(field, nowMs)])),
    { noNullPrototype: true },
  )
}

/** Items that a node may send at this time, most of which are taken: by the names that Avro has. */
export function drawnItem(nowMs: number): fc.Arbitrary<Drawn> {
  const observed_at = fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: nowMs - AGE_MS_MAX, max: nowMs + AHEAD_MS_MAX }) },
    { weight: 1, arbitrary: fc.constantFrom(nowMs + AHEAD_MS_MAX + 1, -1, 2 ** 60) },
  )
  const warnings = fc.oneof(
    { weight: 20, arbitrary: fc.array(good, { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.array(texts, { minLength: WARNINGS_MAX - 1, maxLength: WARNINGS_MAX + 1 }) },
  )
  const nothing = { sample: null, poll: null, report: null, refused: null }
  const of = (kind: string, more: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Drawn> =>
    fc
      .tuple(observed_at, recordOf(KINDS[kind] ?? {}, nowMs), fc.record(more))
      .map(([at, fields, others]) =>
        Object.assign({}, nothing, { [kind]: Object.assign({ observed_at: at }, fields, others) }),
      )
  const sample = of('sample', { warnings })
  const poll = of('poll', { result: fc.constantFrom(...POLL_RESULTS) })
  return fc.oneof(
    { weight: 12, arbitrary: sample },
    { weight: 5, arbitrary: poll },
    { weight: 5, arbitrary: of('report', {}) },
    { weight: 1, arbitrary: fc.constant({ ...nothing, refused: 'missing' }) },
    { weight: 1, arbitrary: fc.constant(nothing) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(sample, poll)
        .map(([one, other]) => Object.assign({}, one, { poll: other['poll'] })),
    },
  )
}
