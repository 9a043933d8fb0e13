import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { AccountSlab } from './account-slab.ts'
import type { Kept } from './account-slab.ts'

const LENGTHS = fc.oneof(fc.nat(300), fc.constantFrom(0, 16, 17, 1_048_560, 1_048_561, 1_500_000))
const VERSIONS = fc.oneof(fc.nat(9), fc.constant(Number.MAX_SAFE_INTEGER))

test('whatever is kept, replaced and forgotten, each account is read as a Map would give it', () => {
  const step = fc.record({
    key: fc.nat(7),
    length: LENGTHS,
    fill: fc.nat(255),
    version: VERSIONS,
    partition: fc.nat(65_535),
    forgets: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const slab = new AccountSlab()
      const places = new Map<number, number>()
      const model = new Map<number, Kept>()
      for (const { key, length, fill, version, partition, forgets } of steps) {
        const place = places.get(key)
        if (place !== undefined && forgets) {
          slab.forget(place)
          places.delete(key)
          model.delete(key)
        } else {
          const kept = { bytes: Buffer.alloc(length, fill), version, partition }
          places.set(key, place === undefined ? slab.keep(kept) : slab.replace(place, kept))
          model.set(key, kept)
        }
        for (const [known, expected] of model) {
          const at = places.get(known) as number
          assert.ok(slab.bytes(at).equals(expected.bytes))
          assert.equal(slab.version(at), expected.version)
          assert.equal(slab.partition(at), expected.partition)
        }
      }
    }),
    { numRuns: 150 },
  )
})

test('a place that was given back is used again', () => {
  const slab = new AccountSlab()
  const kept = (length: number): Kept => ({ bytes: Buffer.alloc(length, 1), version: 1, partition: 0 })
  const first = slab.keep(kept(100))
  slab.forget(first)
  assert.equal(slab.keep(kept(90)), first)
})
