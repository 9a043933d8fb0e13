import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ENTRY_WORDS, IdTable } from './id-table.ts'

/** First words that fall on neighbouring slots, the table's two ends included: runs of probes meet and wrap. */
const crowded = fc.constantFrom(0, 1, 2, 3, 4_094, 4_095, 4_096, 8_191, 0xffffffff)
const entry = fc.tuple(crowded, fc.nat(3), fc.nat(1)).map(([first, second, content]) => {
  return Uint32Array.of(first, second, 0, 0, content, 0)
})

test('the table equals a Map over any sequence of adding, finding and removing', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), entry, tag: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ do: fc.constant('find' as const), entry }),
    fc.record({ do: fc.constant('remove' as const), tag: fc.integer({ min: 1, max: 4 }) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new IdTable()
      const model = new Map<string, { content: number | undefined; tag: number; first: number }>()
      const seen = (one: Uint32Array) => {
        const held = model.get(one.subarray(0, 4).join('.'))
        if (held === undefined) return 'new'
        return held.content === one[4] ? 'repeat' : 'conflict'
      }
      for (const one of steps) {
        if (one.do === 'remove') {
          const gone = [...model].filter(([, { tag }]) => tag === one.tag)
          table.removeTag(
            one.tag,
            Uint32Array.from(gone, ([, { first }]) => first),
            gone.length,
          )
          for (const [name] of gone) model.delete(name)
        } else {
          const expected = seen(one.entry)
          if (one.do === 'find') {
            assert.equal(table.find(one.entry), expected)
          } else {
            assert.equal(table.add(one.entry, one.tag), expected)
            if (expected === 'new') {
              const [first = 0, , , , content] = one.entry
              model.set(one.entry.subarray(0, 4).join('.'), { content, tag: one.tag, first })
            }
          }
        }
        assert.equal(table.size, model.size)
      }
      for (const [name, { content = 0 }] of model) {
        const words = name.split('.').map(Number)
        assert.equal(table.find(Uint32Array.of(...words, content, 0)), 'repeat')
      }
    }),
    { numRuns: 300 },
  )
})

test('every word of identity and of content counts', () => {
  const table = new IdTable()
  const held = Uint32Array.of(1, 2, 3, 4, 5, 6)
  table.add(held, 1)
  for (let word = 0; word < ENTRY_WORDS; word++) {
    const other = Uint32Array.from(held)
    other[word] = 99
    assert.equal(table.find(other), word < 4 ? 'new' : 'conflict', `word ${word}`)
  }
})

test('a million ids equal a Set, then half of them leave', () => {
  const table = new IdTable()
  const set = new Set<number>()
  const words = new Uint32Array(ENTRY_WORDS)
  // A linear congruence visits few numbers twice; every sixth one offered is a repeat.
  const offered = 1_210_000
  let state = 12_345
  const firsts = new Uint32Array(offered)
  let count = 0
  for (let number = 0; number < offered; number++) {
    state =
      number % 6 === 5 ? Number(firsts[number % count]) : (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const id = state
    words[0] = id
    words[1] = Math.imul(id, 0x9e3779b1)
    const isNew = !set.has(id)
    if (isNew) {
      set.add(id)
      firsts[count++] = id
    }
    if ((table.add(words, (id & 1) + 1) === 'new') !== isNew) assert.fail(`id ${id} at ${number}`)
    state = (state + number) >>> 0
  }
  assert.equal(table.size, set.size)
  assert.ok(set.size > 990_000, `${set.size} ids`)
  const odd = firsts.subarray(0, count).filter((id) => (id & 1) === 1)
  table.removeTag(2, odd, odd.length)
  assert.equal(table.size, count - odd.length)
  for (const id of set) {
    words[0] = id
    words[1] = Math.imul(id, 0x9e3779b1)
    if (table.find(words) !== ((id & 1) === 1 ? 'new' : 'repeat')) assert.fail(`id ${id} after the removal`)
  }
})
