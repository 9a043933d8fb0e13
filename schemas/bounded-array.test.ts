import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as avro from './avro.ts'
import { FRAME_BYTES, SCHEMA_ID, framed } from './avro.ts'
import * as fleet from './fleet/codecs.ts'
import * as inventory from './fleet/inventory/codecs.ts'

/** More items than any table of V8 holds; the zigzag number of five bytes, and the same count of a block with its size. */
const CLAIMS = [Buffer.from('80a8d6b907', 'hex'), Buffer.from('ffa7d6b90702', 'hex')]
const BODY_BYTES = 160
/** The bytes around the claim: absent, present, longer texts. Some of them lead a reader to every array there is. */
const FILLERS = [0, 1, 2, 3, 4, 8, 32]

const codecs = Object.entries({ ...avro, ...fleet, ...inventory }).flatMap(([name, codec]) =>
  typeof codec === 'object' && 'schemaIds' in codec ? [{ name, codec }] : [],
)

test('every schema that is read has a codec in the walk', () => {
  const walked = new Set(codecs.flatMap(({ codec }) => codec.schemaIds))
  assert.deepEqual(
    Object.entries(SCHEMA_ID)
      .filter(([, id]) => !walked.has(id))
      .map(([name]) => name),
    [],
  )
})

for (const { name, codec } of codecs) {
  test(`${name}: a claim of a thousand million items anywhere in a few bytes costs nothing`, () => {
    for (const schemaId of codec.schemaIds) {
      if (schemaId === null) continue
      for (const [claim, filler] of CLAIMS.flatMap((claim) =>
        FILLERS.map((filler) => [claim, filler] as const),
      )) {
        for (let at = 0; at < BODY_BYTES; at++) {
          const body = Buffer.concat([Buffer.alloc(at, filler), claim, Buffer.alloc(BODY_BYTES - at, filler)])
          const value = framed(schemaId, [body])
          assert.equal(value.length, FRAME_BYTES + claim.length + BODY_BYTES)
          // It may be a record by chance, or not be one. The test is that the process is still running.
          try {
            codec.decode(value)
          } catch (error) {
            assert.ok(error instanceof Error)
          }
        }
      }
    }
  })
}
