import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import avsc from 'avsc'
import * as fc from 'fast-check'
import { FRAME_BYTES, framed, SCHEMA_ID, usageEventsCodec } from '../../schemas/avro.ts'
import { NO_MORE, USAGE_BOUNDS } from '../../schemas/usage.ts'
import type { UsageEvent, UsageMore } from '../../schemas/usage.ts'
import { anyUsageEvent, usageEvent } from '../../test/support/records/usage-events.ts'
import { MalformedRecordError, UsageColumns } from './decode.ts'

const columns = new UsageColumns()
const HEAD = Buffer.from([0, 0, 0, 0, SCHEMA_ID.usageEvents])
const LONGEST_NUMBER = Buffer.from('ffffffffffffffffff01', 'hex')

/** Decodes arbitrary bytes: true where they are a record, false where they are refused because they are not one. */
function isRecord(value: Buffer): boolean {
  try {
    columns.decode(value)
    assert.ok(columns.count <= USAGE_BOUNDS.eventsPerRecordMax)
    return true
  } catch (error) {
    assert.ok(error instanceof MalformedRecordError, String(error))
    return false
  }
}

test('arbitrary bytes are a record or malformed, and nothing else is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      isRecord(Buffer.concat([HEAD, bytes]))
    }),
    { numRuns: 3_000 },
  )
})

test('a valid record with some bytes changed, cut or put in is a record or malformed', () => {
  const change = fc.record({
    at: fc.nat(4_000),
    how: fc.constantFrom('set' as const, 'cut' as const, 'insert' as const, 'huge' as const),
    byte: fc.nat(255),
  })
  fc.assert(
    fc.property(
      fc.array(anyUsageEvent, { minLength: 1, maxLength: 3 }),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      (events, changes) => {
        let bytes = usageEventsCodec.encode({ events })
        for (const { at: anywhere, how, byte } of changes) {
          const at = FRAME_BYTES + (anywhere % (bytes.length - FRAME_BYTES + 1))
          const put = how === 'huge' ? LONGEST_NUMBER : Buffer.from([byte])
          const from = how === 'cut' ? bytes.length : how === 'set' ? at + 1 : at
          bytes = Buffer.concat([
            bytes.subarray(0, at),
            how === 'cut' ? Buffer.alloc(0) : put,
            bytes.subarray(from),
          ])
        }
        const before = bytes.toString('hex')
        isRecord(bytes)
        assert.equal(bytes.toString('hex'), before, 'the record must stay as it came')
      },
    ),
    { numRuns: 3_000 },
  )
})

test('every record cut short is malformed', () => {
  const framed = usageEventsCodec.encode({
    events: [usageEvent({ event_text: 'text', gpu_ms: 300, cost_nano_usd: 123_456_789_012 })],
  })
  for (let length = FRAME_BYTES; length < framed.length; length++) {
    assert.equal(isRecord(framed.subarray(0, length)), false, `${length} bytes`)
  }
  assert.equal(isRecord(framed), true)
  assert.equal(isRecord(Buffer.concat([framed, Buffer.from([0])])), false)
})

test('a huge count in a few bytes is refused at once', () => {
  const bombs = [
    // 20 million, 200 million, 2^62 and -2^63 events in no bytes: the second keeps avsc busy for seconds.
    '80b4891300',
    '8088debe0100',
    'ffffffffffffffff7f00',
    'ffffffffffffffffff0100',
    // A text, an id and a number that never end.
    `02${'00'.repeat(16)}02ffffffffffffffff7f`,
    `02${'ff'.repeat(40)}`,
    // Blocks of one event without an end.
    '01'.repeat(200),
    // Negative count with a negative size.
    '0101',
    '01ffffffffffffffffff01',
  ]
  const begin = process.cpuUsage()
  for (const bomb of bombs)
    assert.equal(isRecord(Buffer.concat([HEAD, Buffer.from(bomb, 'hex')])), false, bomb)
  const { user, system } = process.cpuUsage(begin)
  assert.ok(user + system < 500_000, `took ${(user + system) / 1_000} ms of CPU time`)
})

test('10,000 events are taken, one more is malformed', () => {
  const { eventsPerRecordMax } = USAGE_BOUNDS
  const events = Array.from({ length: eventsPerRecordMax }, () => usageEvent())
  assert.equal(isRecord(usageEventsCodec.encode({ events })), true)
  assert.equal(columns.count, eventsPerRecordMax)
  assert.equal(isRecord(usageEventsCodec.encode({ events: [...events, usageEvent()] })), false)
})

const BOUNDS: readonly (readonly [field: keyof UsageEvent, max: number])[] = [
  ['tokens_in', USAGE_BOUNDS.tokensMax],
  ['tokens_out', USAGE_BOUNDS.tokensMax],
  ['duration_ms', USAGE_BOUNDS.durationMsMax],
  ['gpu_ms', USAGE_BOUNDS.durationMsMax],
  ['energy_mwh', USAGE_BOUNDS.energyMwhMax],
  ['cost_nano_usd', USAGE_BOUNDS.costNanoUsdMax],
]

/** The schema with every int a long, so that a value beyond its bound can be written at all. */
const schemaText = readFileSync(new URL('../../schemas/avro/usage-events.v2.avsc', import.meta.url), 'utf8')
const lenient = avsc.Type.forSchema(JSON.parse(schemaText.replaceAll('"int"', '"long"')) as avsc.Schema, {
  wrapUnions: false,
})

function refusals(event: UsageEvent): string[] {
  const body = lenient.toBuffer({ events: [event] })
  columns.decode(Buffer.concat([HEAD, body]))
  assert.equal(columns.refused[0], columns.problems.length === 0 ? 0 : 1)
  return columns.problems.map(({ code, detail }) => `${code} ${detail}`)
}

for (const [field, max] of BOUNDS) {
  test(`${field} may be 0 to ${max}; beyond that the event is refused, not the record`, () => {
    const source = field === 'energy_mwh' ? ({ energy_source: 'meter' } as const) : {}
    for (const value of [0, 1, max]) assert.deepEqual(refusals(usageEvent({ [field]: value, ...source })), [])
    for (const value of [-1, max + 1]) {
      assert.deepEqual(refusals(usageEvent({ [field]: value, ...source })), [`out_of_range ${field}`])
    }
  })
}

test('tokens of version 1 of the schema are 32 bits', () => {
  const max = USAGE_BOUNDS.tokensOfV1Max
  const said = (event: UsageEvent): string[] => {
    const text = readFileSync(new URL('../../schemas/avro/usage-events.v1.avsc', import.meta.url), 'utf8')
    const type = avsc.Type.forSchema(JSON.parse(text.replaceAll('"int"', '"long"')) as avsc.Schema, {
      wrapUnions: false,
    })
    columns.decode(framed(SCHEMA_ID.usageEventsV1, [type.toBuffer({ events: [event] })]))
    return columns.problems.map(({ code, detail }) => `${code} ${detail}`)
  }
  assert.deepEqual(said(usageEvent({ tokens_in: max, tokens_out: max })), [])
  assert.deepEqual(said(usageEvent({ tokens_in: max + 1 })), ['out_of_range tokens_in'])
})

test('what few events say is judged field by field', () => {
  const { gpusMax, inferencesMax, labelsMax, durationMsMax, tokensMax } = USAGE_BOUNDS
  const said = (more: Partial<UsageMore>, fields: Partial<UsageEvent> = {}): string[] =>
    refusals(usageEvent({ ...fields, more: { ...NO_MORE, ...more } }))
  const label = (name: string, value = 'x') => ({ name, value })
  for (const [more, field] of [
    [{ gpus: 0 }, 'gpus'],
    [{ gpus: gpusMax + 1 }, 'gpus'],
    [{ inferences: 0 }, 'inferences'],
    [{ inferences: inferencesMax + 1 }, 'inferences'],
    [{ tokens_cached: 6 }, 'tokens_cached'],
    [{ tokens_cached: -1 }, 'tokens_cached'],
    [{ tokens_reasoning: 8 }, 'tokens_reasoning'],
    [{ labels: Array.from({ length: labelsMax + 1 }, (_, at) => label(`l${at}`)) }, 'labels'],
  ] as const) {
    assert.deepEqual(said(more, { tokens_in: 5, tokens_out: 7 }), [`out_of_range ${field}`])
  }
  for (const labels of [
    [label('A')],
    [label('')],
    [label('a'.repeat(33))],
    [label('a', '')],
    [label('a', 'x'.repeat(65))],
    [label('a', 'a\n')],
    [label('b'), label('a'), label('b')],
  ]) {
    assert.deepEqual(said({ labels }), ['invalid_text labels'])
  }
  const most = Array.from({ length: labelsMax }, (_, at) => label(`${'l'.repeat(31)}${at}`, '😀'.repeat(64)))
  assert.deepEqual(said({ gpus: gpusMax, inferences: inferencesMax, labels: most }), [])
  assert.deepEqual(
    said({ tokens_cached: tokensMax, tokens_reasoning: 0 }, { tokens_in: tokensMax, tokens_out: 1 }),
    [],
  )
  assert.deepEqual(said({ gpus: 8 }, { gpu_ms: 8 * durationMsMax }), [])
  assert.deepEqual(said({ gpus: 8 }, { gpu_ms: 8 * durationMsMax + 1 }), ['out_of_range gpu_ms'])
  assert.deepEqual(said({ gpus: 0 }, { gpu_ms: durationMsMax + 1 }), ['out_of_range gpu_ms'])
  assert.throws(() => said({ labels: [label('a'.repeat(129))] }), MalformedRecordError)
  assert.throws(() => said({ labels: [label('a', 'x'.repeat(257))] }), MalformedRecordError)
})

test('texts that are no ids are refused by field', () => {
  for (const field of ['node_id', 'operator_id', 'goal_id', 'requester_node_id', 'reservation_id'] as const) {
    for (const text of ['', 'a b', 'ä', 'a/b', '!task', 'x'.repeat(65)]) {
      assert.deepEqual(refusals(usageEvent({ [field]: text })), [`invalid_text ${field}`], text)
    }
    assert.deepEqual(refusals(usageEvent({ [field]: 'x'.repeat(64) })), [])
  }
  for (const field of ['model_id', 'event_text'] as const) {
    for (const text of ['', 'a\n', '\u0378', 'x'.repeat(129)]) {
      assert.deepEqual(refusals(usageEvent({ [field]: text })), [`invalid_text ${field}`], text)
    }
    assert.deepEqual(refusals(usageEvent({ [field]: '😀'.repeat(128) })), [])
  }
})

test('a source is 1 to 256 code points, and its bytes no more than these can have', () => {
  for (const source of ['', 'a\n', '\u0378', 'x'.repeat(257)]) {
    assert.deepEqual(refusals(usageEvent({ event_source: source })), ['invalid_text event_source'], source)
  }
  assert.deepEqual(refusals(usageEvent({ event_source: '😀'.repeat(256) })), [])
  assert.throws(() => refusals(usageEvent({ event_source: '😀'.repeat(257) })), MalformedRecordError)
})

test('text that is no UTF-8 is refused, never altered', () => {
  const framed = usageEventsCodec.encode({ events: [usageEvent({ model_id: 'model-?' })] })
  framed[framed.indexOf('?')] = 0xff
  columns.decode(framed)
  assert.deepEqual(columns.problems, [{ index: 0, code: 'invalid_text', detail: 'model_id' }])
})

test('an energy has a source exactly where it has a value', () => {
  assert.deepEqual(refusals(usageEvent({ energy_mwh: 5 })), ['invalid_value energy_source'])
  assert.deepEqual(refusals(usageEvent({ energy_source: 'meter' })), ['invalid_value energy_source'])
})

test('the first problem of an event counts, and its neighbours are judged alone', () => {
  const events = [
    usageEvent(),
    usageEvent({ node_id: 'a b', cost_nano_usd: -1 }),
    usageEvent({ reservation_id: '' }),
  ]
  columns.decode(usageEventsCodec.encode({ events }))
  assert.deepEqual(columns.problems, [
    { index: 1, code: 'out_of_range', detail: 'cost_nano_usd' },
    { index: 2, code: 'invalid_text', detail: 'reservation_id' },
  ])
  assert.deepEqual([...columns.refused.subarray(0, 3)], [0, 1, 1])
})
