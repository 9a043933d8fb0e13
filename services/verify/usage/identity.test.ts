import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { bitsBefore, identityOf } from '../../../schemas/identity.ts'
import { anyUsageEvent } from '../../../test/support/records/usage-events.ts'
import { identityBefore, identityBy, identityName, identityOfRow } from './identity.ts'

const text = fc.oneof(
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
  fc.stringMatching(/^[0-8][0-9A-HJKMNP-TV-Z]{25}$/),
  fc.stringMatching(/^[0-8][0-9a-ik-tv-z]{25}$/),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
)
const event = fc
  .tuple(anyUsageEvent, fc.option(text, { nil: null }))
  .map(([drawn, event_text]) => Object.assign(drawn, { event_text }))

test('verify works out who an event is as the documents say, and by the rules before the bytes alone', () => {
  fc.assert(
    fc.property(event, (fields) => {
      const { kind, bytes } = identityOf(fields)
      const identity = identityBy(3, fields)
      assert.deepEqual(identity, { kind, hex: bytes.toString('hex') })
      assert.deepEqual(identityBy(2, fields), { kind: 'id', hex: fields.event_id.toString('hex') })
      const before = identityBefore(identity, fields)
      const expected = kind === 'id' ? null : bitsBefore(fields.event_text ?? '').toString('hex')
      assert.equal(before?.hex ?? null, expected)
    }),
    { numRuns: 1_000 },
  )
})

test('ids and texts of the same bits have names of their own, and rows the same ones', () => {
  const uuid = '01234567-89ab-cdef-0123-456789abcdef'
  const [id, other] = ['id', 'text'].map((kind) => identityName('n', identityOfRow(uuid, kind)))
  assert.equal(id, 'n id 0123456789abcdef0123456789abcdef')
  assert.equal(other, 'n text 0123456789abcdef0123456789abcdef')
})
