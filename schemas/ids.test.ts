import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatUuid, hashToUuid, isFreeText, parseEventId, partitionOfKey, partitionOfNode } from './ids.ts'

const nodeId = fc.string({
  unit: fc.constantFrom(...Array.from('abcXYZ019._:-')),
  minLength: 1,
  maxLength: 64,
})

test('partitions equal those of the Java client', () => {
  // Hashes that Kafka's own unit test expects from its murmur2.
  const java: readonly (readonly [string, number])[] = [
    ['21', -973_932_308],
    ['foobar', -790_332_482],
    ['a-little-bit-long-string', -985_981_536],
    ['a-little-bit-longer-string', -1_486_304_829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
    ['abc', 479_470_107],
  ]
  for (const [key, hash] of java) {
    for (const partitions of [1, 4, 7, 64, 2_147_483_647]) {
      assert.equal(partitionOfNode(key, partitions), (hash & 0x7fffffff) % partitions, key)
    }
  }
})

test('a key within a larger buffer has the partition that it has alone', () => {
  fc.assert(
    fc.property(nodeId, fc.uint8Array({ maxLength: 9 }), (node, around) => {
      const within = Buffer.concat([around, Buffer.from(node), around])
      assert.equal(
        partitionOfKey(within, 64, around.length, within.length - around.length),
        partitionOfNode(node, 64),
      )
    }),
  )
})

test('a UUID is its own 128 bits in any case, and its text is kept where lower case does not show it', () => {
  fc.assert(
    fc.property(fc.uuid(), (uuid) => {
      const lower = parseEventId(uuid.toLowerCase())
      const upper = parseEventId(uuid.toUpperCase())
      assert.deepEqual(lower?.bytes, upper?.bytes)
      assert.equal(lower?.text, null)
      assert.equal(formatUuid(lower?.bytes ?? Buffer.alloc(0)), uuid.toLowerCase())
      assert.equal(upper?.text, uuid === uuid.toUpperCase() ? null : uuid.toUpperCase())
    }),
  )
})

test('a ULID is its own 128 bits in any case', () => {
  const zero = parseEventId('00000000000000000000000000')
  assert.equal(zero?.bytes.toString('hex'), '0'.repeat(32))
  const largest = parseEventId('7ZZZZZZZZZZZZZZZZZZZZZZZZZ')
  assert.equal(largest?.bytes.toString('hex'), 'f'.repeat(32))
  // The specification's own example: its time is 1469918176385.
  const known = parseEventId('01ARYZ6S41TSV4RRFFQ69G5FAV')
  assert.equal(known?.bytes.readUIntBE(0, 6), 1_469_918_176_385)
  assert.deepEqual(parseEventId('01aryz6s41tsv4rrffq69g5fav')?.bytes, known?.bytes)
  fc.assert(
    fc.property(fc.ulid(), (ulid) => {
      const bytes = parseEventId(ulid)?.bytes
      assert.equal(bytes?.length, 16)
      assert.deepEqual(parseEventId(ulid.toLowerCase())?.bytes, bytes)
    }),
  )
})

test('a first letter beyond 128 bits makes no ULID but free text', () => {
  const text = '8ZZZZZZZZZZZZZZZZZZZZZZZZZ'
  assert.deepEqual(parseEventId(text), { bytes: hashToUuid(text), text, isHashed: true })
})

test('free text is hashed to a UUIDv8 and kept', () => {
  const id = parseEventId('order 7/ä')
  assert.equal(id?.text, 'order 7/ä')
  const uuid = formatUuid(id?.bytes ?? Buffer.alloc(0))
  assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.notDeepEqual(parseEventId('order 8/ä')?.bytes, id?.bytes)
})

test('text has 1 to 128 code points of allowed categories', () => {
  const allowed = ['a', 'ä'.repeat(128), '😀'.repeat(128), ' ', '\u200d', '\ue000']
  const refused = [
    '',
    'a'.repeat(129),
    '😀'.repeat(129),
    '\u0000',
    'a\n',
    '\u007f',
    '\ud800',
    'a\udc00',
    '\u0378',
    '\uffff',
  ]
  for (const text of allowed) assert.equal(isFreeText(text), true, JSON.stringify(text))
  for (const text of refused) {
    assert.equal(isFreeText(text), false, JSON.stringify(text))
    assert.equal(parseEventId(text), null, JSON.stringify(text))
  }
})
