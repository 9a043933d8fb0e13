import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { identityOf } from '../../schemas/identity.ts'
import { parseEventId } from '../../schemas/ids.ts'
import { usageEventsCodec } from '../../schemas/avro.ts'
import { ID_KINDS } from '../../schemas/identity.ts'
import { anyUsageEvent } from '../../test/support/records/usage-events.ts'
import { decodeInto, UsageColumns } from './decode.ts'
import { readId } from './text-id.ts'

const CROCKFORD = Array.from('0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz')
const uuid = fc.tuple(fc.uuid(), fc.boolean()).map(([id, upper]) => (upper ? id.toUpperCase() : id))
const ulid = fc
  .tuple(
    fc.constantFrom(...Array.from('0123456789')),
    fc.string({ unit: fc.constantFrom(...CROCKFORD), minLength: 25, maxLength: 25 }),
  )
  .map(([first, rest]) => first + rest)
/** Texts that are ids, and texts that differ from an id by one character. */
const nearId = fc
  .tuple(fc.oneof(uuid, ulid), fc.nat(40), fc.constantFrom('', 'I', 'l', 'O', 'u', 'g', '-', '8', 'é'))
  .map(([id, at, letter]) => (letter === '' ? id : id.slice(0, at) + letter + id.slice(at + 1)))
const text = fc.oneof(uuid, ulid, nearId, fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }))

test('a text reads as an id exactly where the gateway reads one, to the same 128 bits', () => {
  fc.assert(
    fc.property(text, fc.nat(20), fc.nat(20), (id, before, at) => {
      const bytes = Buffer.concat([Buffer.alloc(before, 0x30), Buffer.from(id), Buffer.alloc(3, 0x30)])
      const out = Buffer.alloc(64)
      const isId = readId(bytes, before, before + Buffer.byteLength(id), out, at)
      const parsed = parseEventId(id)
      assert.equal(isId, parsed !== null && !parsed.isHashed)
      if (isId) assert.deepEqual(out.subarray(at, at + 16), parsed?.bytes)
    }),
    { numRuns: 3_000 },
  )
})

test('the identities in the columns are those of the events, one record after the other', () => {
  const columns = new UsageColumns()
  const event = fc
    .tuple(anyUsageEvent, fc.option(text, { nil: null }))
    .map(([drawn, event_text]) => Object.assign(drawn, { event_text }))
  fc.assert(
    fc.property(fc.array(event, { maxLength: 6 }), (events) => {
      assert.equal(decodeInto(columns, usageEventsCodec.encode({ events })), null)
      for (const [index, drawn] of events.entries()) {
        if (columns.refused[index] === 1) continue
        const start = columns.idStart[index] ?? 0
        const { kind, bytes } = identityOf(drawn)
        assert.equal(ID_KINDS[columns.idKind(index)], kind)
        assert.deepEqual(Buffer.from(columns.idBytes(index).subarray(start, start + 16)), bytes)
        const view = columns.idView(index)
        assert.equal(view.getUint32(start), bytes.readUInt32BE(0))
      }
    }),
    { numRuns: 500 },
  )
})
