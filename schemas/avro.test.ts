import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import * as avro from './avro.ts'
import { FRAME_BYTES, SCHEMA_ID, schemaIdOf } from './avro.ts'
import type { Codec } from './avro.ts'

type Schema =
  | string
  | readonly Schema[]
  | {
      readonly type: Schema
      readonly logicalType?: string
      readonly fields?: readonly { readonly name: string; readonly type: Schema }[]
      readonly items?: Schema
      readonly symbols?: readonly string[]
      readonly size?: number
      readonly doc?: string
    }

/** avsc reads a `long` into a double before it undoes the zigzag: beyond this it is wrong without a word. */
const AVSC_LONG_MAX = 2 ** 52 - 1

const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

/** Any value that the schema allows: the generator is made from the .avsc file, so a new field is tested too. */
function valueOf(schema: Schema): fc.Arbitrary<unknown> {
  if (Array.isArray(schema)) return fc.oneof(...schema.map(valueOf))
  if (typeof schema === 'string') return primitive(schema)
  const {
    type,
    logicalType,
    fields = [],
    items = 'null',
    symbols = [],
    size = 0,
  } = schema as Exclude<Schema, string | readonly Schema[]>
  if (logicalType === 'bigint') {
    return fc.oneof(fc.bigInt(INT64), fc.constantFrom(INT64.min, INT64.max, 0n, -1n, 2n ** 53n + 1n))
  }
  switch (type) {
    case 'record':
      return fc.record(Object.fromEntries(fields.map((field) => [field.name, valueOf(field.type)])), {
        noNullPrototype: true,
      })
    case 'array':
      return fc.array(valueOf(items), { maxLength: 5 })
    case 'enum':
      return fc.constantFrom(...symbols)
    case 'fixed':
      return fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => Buffer.from(bytes))
    default:
      return valueOf(type)
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

/** avsc makes instances of classes of its own; what counts is what they hold. */
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

const exported: readonly unknown[] = Object.values(avro)
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
  assert.equal(codecById.size, files.length)
  assert.equal(codecs.length, files.length)
})

for (const name of files) {
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
  assert.throws(() => avro.accountCodec.encode({ ...account, tokens_in: 2n ** 63n } as never))
})

function openSums(): Record<string, unknown> {
  const { fields = [] } = readSchema('account.v1.avsc')
  return Object.fromEntries(
    fields.map(({ name, type }) => [name, typeof type === 'object' && 'logicalType' in type ? 0n : 0]),
  )
}
