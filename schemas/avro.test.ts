import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import * as avro from './avro.ts'
import { FRAME_BYTES, SCHEMA_ID, schemaIdOf } from './avro.ts'
import type { Codec } from './avro.ts'
import * as fleet from './fleet/codecs.ts'
import * as inventory from './fleet/inventory/codecs.ts'
import { DECIMAL_DIGITS } from './decimal-bytes.ts'
import type { InboxUsage, UsageEvents } from './records.ts'

type Schema =
  | string
  | readonly Schema[]
  | {
      readonly type: Schema
      readonly name?: string
      readonly logicalType?: string
      readonly fields?: readonly { readonly name: string; readonly type: Schema }[]
      readonly items?: Schema
      readonly symbols?: readonly string[]
      readonly size?: number
      readonly doc?: string
    }

/** avsc reads a `long` into a double before it undoes the zigzag: beyond this it is silently wrong. */
const AVSC_LONG_MAX = 2 ** 52 - 1

const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

/** Any value that the schema allows: the generator is made from the .avsc file, so a new field is tested too. */
function valueOf(schema: Schema, named = new Map<string, Schema>()): fc.Arbitrary<unknown> {
  if (Array.isArray(schema)) return fc.oneof(...schema.map((one: Schema) => valueOf(one, named)))
  if (typeof schema === 'string') {
    const known = named.get(schema)
    return known === undefined ? primitive(schema) : valueOf(known, named)
  }
  const {
    type,
    name = '',
    logicalType,
    fields = [],
    items = 'null',
    symbols = [],
    size = 0,
  } = schema as Exclude<Schema, string | readonly Schema[]>
  if (logicalType === 'bigint') {
    return fc.oneof(fc.bigInt(INT64), fc.constantFrom(INT64.min, INT64.max, 0n, -1n, 2n ** 53n + 1n))
  }
  if (logicalType === 'decimal') {
    const most = 10n ** BigInt(DECIMAL_DIGITS) - 1n
    return fc.oneof(fc.bigInt({ min: -most, max: most }), fc.constantFrom(most, -most, 0n, -1n, 2n ** 63n))
  }
  if (name !== '') named.set(name, schema)
  switch (type) {
    case 'record':
      return fc.record(Object.fromEntries(fields.map((field) => [field.name, valueOf(field.type, named)])), {
        noNullPrototype: true,
      })
    case 'array':
      return fc.array(valueOf(items, named), { maxLength: 5 })
    case 'enum':
      return fc.constantFrom(...symbols)
    case 'fixed':
      return fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => Buffer.from(bytes))
    default:
      return valueOf(type, named)
  }
}

function primitive(name: string): fc.Arbitrary<unknown> {
  switch (name) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'int':
      return fc.integer()
    case 'double':
      return fc.double({ noNaN: true })
    case 'long':
      return fc.integer({ min: -AVSC_LONG_MAX, max: AVSC_LONG_MAX })
    case 'string':
      return fc.string({ unit: 'grapheme' })
    case 'bytes':
      return fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes))
    default:
      throw new Error(`No generator for ${name}.`)
  }
}

/** avsc creates instances of classes of its own; only their content counts. */
function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
}

const folder = new URL('avro/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.avsc'))
const readSchema = (name: string): Exclude<Schema, string | readonly Schema[]> =>
  JSON.parse(readFileSync(new URL(name, folder), 'utf8'))

const exported: readonly unknown[] = [avro, fleet, inventory].flatMap((codecs) => Object.values(codecs))
const codecs = exported.filter(
  (member): member is Codec<unknown> =>
    typeof member === 'object' && member !== null && 'encode' in member && 'decode' in member,
)
const codecById = new Map(codecs.map((codec) => [codec.schemaId, codec]))

test('each schema file has the codec of the id that its doc names, and no id stands twice', () => {
  const ids = files.map((name) => Number(/Schema id (\d+)\./.exec(readSchema(name).doc ?? '')?.[1]))
  assert.deepEqual(
    ids.toSorted((left, right) => left - right),
    Object.values(SCHEMA_ID).toSorted((left, right) => left - right),
  )
  assert.equal(new Set(ids).size, files.length)
  assert.equal(codecById.size, files.length - OLDER.length)
  assert.equal(codecs.length, files.length - OLDER.length)
})

/** Schemas that are read and no longer written. */
const OLDER = [
  'access-key.v1.avsc',
  'access-key.v2.avsc',
  'access-key.v3.avsc',
  'account.v1.avsc',
  'account.v2.avsc',
  'account.v3.avsc',
  'aggregator-task.v1.avsc',
  'aggregator-task.v2.avsc',
  'aggregator-task.v3.avsc',
  'fleet-node.v1.avsc',
  'inbox-command.v1.avsc',
  'inbox-command.v2.avsc',
  'inbox-configure.v1.avsc',
  'inbox-configure.v2.avsc',
  'inbox-usage.v1.avsc',
  'inbox-usage.v2.avsc',
  'outcome.v1.avsc',
  'settler-task.v1.avsc',
  'settler-task.v2.avsc',
  'settler-task.v3.avsc',
  'usage-events.v1.avsc',
]

/** Records with fields that were added later. */
const NESTED: ReadonlySet<string> = new Set(['operators', 'entries', 'events', 'sums'])

const NEWER: Readonly<Record<string, object>> = {
  'access-key.v1.avsc': avro.accessKeyCodec,
  'access-key.v2.avsc': avro.accessKeyCodec,
  'access-key.v3.avsc': avro.accessKeyCodec,
  'account.v1.avsc': avro.accountCodec,
  'account.v2.avsc': avro.accountCodec,
  'account.v3.avsc': avro.accountCodec,
  'fleet-node.v1.avsc': fleet.fleetNodeCodec,
  'inbox-command.v1.avsc': avro.inboxCommandCodec,
  'inbox-command.v2.avsc': avro.inboxCommandCodec,
  'inbox-configure.v1.avsc': avro.inboxConfigureCodec,
  'inbox-configure.v2.avsc': avro.inboxConfigureCodec,
  'inbox-usage.v1.avsc': avro.inboxUsageCodec,
  'inbox-usage.v2.avsc': avro.inboxUsageCodec,
  'usage-events.v1.avsc': avro.usageEventsCodec,
  'aggregator-task.v1.avsc': avro.aggregatorTaskCodec,
  'aggregator-task.v2.avsc': avro.aggregatorTaskCodec,
  'aggregator-task.v3.avsc': avro.aggregatorTaskCodec,
  'outcome.v1.avsc': avro.outcomeCodec,
  'settler-task.v1.avsc': avro.settlerTaskCodec,
  'settler-task.v2.avsc': avro.settlerTaskCodec,
  'settler-task.v3.avsc': avro.settlerTaskCodec,
}

test('a cost from before receipts were handed over counts as received when its work was done', () => {
  const type = avro.avroType('inbox-usage.v1')
  const schema = readSchema('inbox-usage.v1.avsc')
  fc.assert(
    fc.property(valueOf(schema), (drawn) => {
      const read = avro.inboxUsageCodec.decode(avro.framed(SCHEMA_ID.inboxUsageV1, [type.toBuffer(drawn)]))
      const before = type.fromBuffer(type.toBuffer(drawn)) as InboxUsage
      assert.equal(read.entries.length, before.entries.length)
      for (const [index, { cost, ...entry }] of read.entries.entries()) {
        const { cost: costBefore, ...entryBefore } = before.entries[index] as InboxUsage['entries'][number]
        assert.deepEqual(plain(entry), plain(entryBefore))
        const today = { received_at: costBefore?.occurred_at, id_kind: 'id' }
        const received = costBefore === null ? null : { ...costBefore, ...today }
        assert.deepEqual(plain(cost), plain(received))
      }
    }),
  )
})

test('a cost from before ids had kinds is of an id, and an event from before sources has none', () => {
  const usage = avro.avroType('inbox-usage.v2')
  fc.assert(
    fc.property(valueOf(readSchema('inbox-usage.v2.avsc')), (drawn) => {
      const read = avro.inboxUsageCodec.decode(avro.framed(SCHEMA_ID.inboxUsageV2, [usage.toBuffer(drawn)]))
      const costs = (drawn as InboxUsage).entries.map(
        ({ cost }) => cost && Object.assign({}, cost, { id_kind: 'id' }),
      )
      assert.deepEqual(plain(read.entries.map(({ cost }) => cost)), plain(costs))
    }),
  )
  const events = avro.avroType('usage-events.v1')
  fc.assert(
    fc.property(valueOf(readSchema('usage-events.v1.avsc')), (drawn) => {
      const read = avro.usageEventsCodec.decode(
        avro.framed(SCHEMA_ID.usageEventsV1, [events.toBuffer(drawn)]),
      )
      const expected = (drawn as UsageEvents).events.map((event) =>
        Object.assign({}, event, { event_source: null, more: null }),
      )
      assert.deepEqual(plain(read.events), plain(expected))
    }),
  )
})

for (const name of OLDER) {
  test(`${name}: a record of it reads as one of today, and is written as such`, () => {
    const schema = readSchema(name)
    const id = Number(/Schema id (\d+)\./.exec(schema.doc ?? '')?.[1])
    const codec = NEWER[name] as unknown as Codec<Record<string, unknown>>
    const type = avro.avroType(name.replace('.avsc', ''))
    fc.assert(
      fc.property(valueOf(schema), (drawn) => {
        // Whole Spark: a million times as many micro-Spark must fit.
        const value = { ...(drawn as object), pending_spark: 1n, unclaimed_spark: 2n, settled_spark: 3n }
        const head = Buffer.alloc(FRAME_BYTES)
        head.writeUInt32BE(id, 1)
        const read = codec.decode(Buffer.concat([head, type.toBuffer(value)]))
        for (const [field, before] of Object.entries(value as Record<string, unknown>)) {
          if (!(field in read) || NESTED.has(field)) continue
          // A sum that had 64 bits now has any length.
          const found =
            typeof before === 'number' && typeof read[field] === 'bigint' ? Number(read[field]) : read[field]
          assert.deepEqual(plain(found), plain(before), field)
        }
        assert.deepEqual(plain(codec.decode(codec.encode(read))), plain(read))
      }),
    )
  })
}

test('an account of version 1 keeps its money, in micro-Spark', () => {
  const type = avro.avroType('account.v1')
  const nothing = { events: 0, inferences: 0, cost_seq: 0, settled_through: 0, settlements: 0 }
  const sums = Object.fromEntries(
    'tokens_in tokens_out gpu_ms_measured gpu_ms_estimated energy_mwh_measured energy_mwh_estimated energy_mwh_compatible cost_nano_usd pending_nano_usd unclaimed_nano_usd settled_nano_usd'
      .split(' ')
      .map((name) => [name, 0n]),
  )
  const v1 = {
    node_id: 'n',
    version: 1,
    tier: 'flat',
    first_seen_at: 1,
    changed_at: 1,
    watermark: 0,
    rules_version: 1,
    pending_count: 1,
    pending_since: null,
    unclaimed_count: 1,
    ...nothing,
    ...sums,
    pending_spark: 3n,
    unclaimed_spark: 4n,
    settled_spark: 5n,
    operators: [{ operator_id: 'op', since: 1, micro_spark: 5_000_000n, entries: 1, last_entry_at: 2 }],
  }
  const head = Buffer.from([0, 0, 0, 0, SCHEMA_ID.accountV1])
  const read = avro.accountCodec.decode(Buffer.concat([head, type.toBuffer(v1)]))
  assert.deepEqual(
    [
      read.pending_micro_spark,
      read.unclaimed_micro_spark,
      read.settled_micro_spark,
      read.operators[0]?.remainder,
    ],
    [3_000_000n, 4_000_000n, 5_000_000n, 0],
  )
})

for (const name of files.filter((file) => !OLDER.includes(file))) {
  test(`${name}: whatever is encoded is decoded again`, () => {
    const schema = readSchema(name)
    const codec = codecById.get(Number(/Schema id (\d+)\./.exec(schema.doc ?? '')?.[1]))
    assert.ok(codec)
    fc.assert(
      fc.property(valueOf(schema), (value) => {
        const framed = codec.encode(value)
        assert.equal(schemaIdOf(framed), codec.schemaId)
        assert.deepEqual(plain(codec.decode(framed)), plain(value))
      }),
    )
  })
}

test('the framing is a zero byte and the id, big-endian', () => {
  const framed = avro.tickCodec.encode({ written_by: 'x' })
  assert.equal(framed.toString('hex'), '00000000020278')
  assert.equal(FRAME_BYTES, 5)
})

test('what is not framed so has no schema', () => {
  for (const value of [
    null,
    Buffer.alloc(0),
    Buffer.alloc(4),
    Buffer.from([1, 0, 0, 0, 2, 0]),
    Buffer.from('{"a":1}'),
  ]) {
    assert.equal(schemaIdOf(value), null)
  }
  assert.equal(schemaIdOf(Buffer.from([0, 255, 255, 255, 255])), 0xffffffff)
})

test('a codec refuses another schema’s record, a torn one and one with bytes behind it', () => {
  const tick = avro.tickCodec.encode({ written_by: 'somebody' })
  assert.throws(() => avro.fenceCodec.decode(tick), /Expected a record of schema 22 .*, got 2\./)
  assert.throws(() => avro.tickCodec.decode(Buffer.from('no')), /got no framing/)
  assert.throws(() => avro.tickCodec.decode(tick.subarray(0, -1)))
  assert.throws(() => avro.tickCodec.decode(Buffer.concat([tick, Buffer.from([0])])))
})

test('a sum that is no bigint, or does not fit, is refused before it is written', () => {
  const account = { ...openSums(), node_id: 'n', tier: 'flat', operators: [] }
  assert.throws(() => avro.accountCodec.encode({ ...account, tokens_in: 1 } as never))
  assert.throws(() => avro.accountCodec.encode({ ...account, tokens_in: 10n ** 38n } as never))
})

function openSums(): Record<string, unknown> {
  const { fields = [] } = readSchema('account.v1.avsc')
  return Object.fromEntries(
    fields.map(({ name, type }) => [name, typeof type === 'object' && 'logicalType' in type ? 0n : 0]),
  )
}
