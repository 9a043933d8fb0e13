import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatUuid, hashToUuid } from './ids.ts'
import { bitsBefore, bitsOfText, identityOf } from './identity.ts'

const said = (event_text: string | null, event_source: string | null = null, byte = 1) =>
  identityOf({ event_id: Buffer.alloc(16, byte), event_text, event_source })

/** The bits as a client computes them from the documents. */
function byTheDocuments(source: string, text: string): string {
  const parts = ['hivemeter/event-text/1', source, text].map((part) => Buffer.from(part, 'utf8'))
  const lengths = parts.map(({ length }) => Buffer.from([length >>> 24, length >>> 16, length >>> 8, length]))
  const message = Buffer.concat(parts.flatMap((part, at) => [lengths[at] as Buffer, part]))
  return createHash('sha256').update(message).digest('hex').slice(0, 32)
}

test('a text is SHA-256 of domain, source and text, each behind its length, cut to 128 bits', () => {
  // These must never change: a client that keeps such identities would lose them.
  assert.equal(
    bitsOfText(Buffer.alloc(0), Buffer.from('order 17')).toString('hex'),
    byTheDocuments('', 'order 17'),
  )
  assert.equal(said('order 17', '/shop').bytes.toString('hex'), byTheDocuments('/shop', 'order 17'))
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'grapheme', minLength: 1 }),
      (source, text) => {
        const bits = bitsOfText(Buffer.from(source, 'utf8'), Buffer.from(text, 'utf8'))
        assert.equal(bits.toString('hex'), byTheDocuments(source, text))
      },
    ),
  )
})

test('no two pairs of source and text share bits because of where one ends', () => {
  assert.notDeepEqual(said('bc', 'a').bytes, said('c', 'ab').bytes)
  assert.notDeepEqual(said('ab').bytes, said('b', 'a').bytes)
})

test('UUIDs and ULIDs are their 128 bits in any case, whatever bytes and source come with them', () => {
  for (const [text, bits] of [
    ['01234567-89AB-CDEF-0123-456789ABCDEF', '0123456789abcdef0123456789abcdef'],
    ['01234567-89ab-cdef-0123-456789abcdef', '0123456789abcdef0123456789abcdef'],
    ['01ARZ3NDEKTSV4RRFFQ69G5FAV', '01563e3ab5d3d6764c61efb99302bd5b'],
    ['01arz3ndektsv4rrffq69g5fav', '01563e3ab5d3d6764c61efb99302bd5b'],
  ] as const) {
    for (const identity of [said(text), said(text, '/shop'), said(text, null, 9)]) {
      assert.deepEqual([identity.kind, identity.bytes.toString('hex')], ['id', bits])
    }
  }
  assert.deepEqual(said(null, '/shop', 3), { kind: 'id', bytes: Buffer.alloc(16, 3) })
})

test('the UUIDv8 of a text’s hash, which it was once, is another identity now', () => {
  const before = said(formatUuid(hashToUuid('order 17')))
  assert.equal(before.kind, 'id')
  assert.deepEqual(before.bytes, bitsBefore('order 17'))
  assert.equal(said('order 17').kind, 'text')
})
