import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { AccountSlab } from './account-slab.ts'
import type { Place } from './account-slab.ts'

const LENGTHS = fc.oneof(fc.nat(300), fc.constantFrom(0, 64, 65, 1_048_576, 1_048_577, 1_500_000))

test('whatever is kept, replaced and forgotten, each value is read as a Map would give it', () => {
  const step = fc.record({ key: fc.nat(7), length: LENGTHS, fill: fc.nat(255), forgets: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const slab = new AccountSlab()
      const places = new Map<number, Place>()
      const model = new Map<number, Buffer>()
      for (const { key, length, fill, forgets } of steps) {
        const place = places.get(key)
        const bytes = Buffer.alloc(length, fill)
        if (place !== undefined && forgets) {
          slab.forget(place)
          places.delete(key)
          model.delete(key)
        } else {
          if (place === undefined) places.set(key, slab.keep(bytes))
          else slab.replace(place, bytes)
          model.set(key, bytes)
        }
        for (const [known, expected] of model) {
          assert.ok(slab.read(places.get(known) as Place).equals(expected))
        }
      }
    }),
    { numRuns: 150 },
  )
})

test('a place that was given back is used again', () => {
  const slab = new AccountSlab()
  const first = slab.keep(Buffer.alloc(100, 1))
  slab.forget(first)
  const second = slab.keep(Buffer.alloc(70, 2))
  assert.deepEqual([second.chunk, second.at], [first.chunk, first.at])
})
