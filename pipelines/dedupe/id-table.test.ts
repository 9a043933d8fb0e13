import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ENTRY_WORDS, IdTable } from './id-table.ts'

/** First words that fall on neighbouring slots, the table's two ends included: runs of probes meet and wrap. */
const crowded = fc.constantFrom(0, 1, 2, 3, 4_094, 4_095, 4_096, 8_191, 0xffffffff)
const entry = fc.tuple(crowded, fc.nat(3), fc.nat(1)).map(([first, second, content]) => {
  return Int32Array.of(first, second, 0, 0, content, 0)
})

test('the table equals an ordered Map over any sequence of adding, finding and removing the oldest', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('add' as const), entry }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('find' as const), entry }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), count: fc.nat(6) }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new IdTable()
      // A Map keeps the order in which entries were added.
      const model = new Map<string, Int32Array>()
      const nameOf = (one: Int32Array): string => one.subarray(0, 4).join('.')
      for (const one of steps) {
        if (one.do === 'remove') {
          const gone = [...model.keys()].slice(0, one.count)
          table.removeOldest(gone.length)
          for (const name of gone) model.delete(name)
        } else {
          const held = model.get(nameOf(one.entry))
          const expected = held === undefined ? 'new' : held[4] === one.entry[4] ? 'repeat' : 'conflict'
          assert.equal(one.do === 'find' ? table.find(one.entry) : table.add(one.entry), expected)
          if (one.do === 'add' && expected === 'new') model.set(nameOf(one.entry), one.entry)
        }
        assert.equal(table.size, model.size)
      }
      const held = [...model.values()]
      for (const one of held) assert.equal(table.find(one), 'repeat')
      const bytes = Buffer.concat(held.map((one) => Buffer.from(one.buffer)))
      assert.deepEqual(table.newest(held.length, 0), bytes)
      const some = Math.floor(held.length / 2)
      assert.deepEqual(table.newest(held.length, some), bytes.subarray(0, (held.length - some) * 24))
    }),
    { numRuns: 300 },
  )
})

test('every word of identity and of content counts', () => {
  const table = new IdTable()
  const held = Int32Array.of(1, 2, 3, 4, 5, 6)
  table.add(held)
  for (let word = 0; word < ENTRY_WORDS; word++) {
    const other = Int32Array.from(held)
    other[word] = 99
    assert.equal(table.find(other), word < 4 ? 'new' : 'conflict', `word ${word}`)
  }
})

test('a million ids equal a Set, then half of them leave, and a million come again', () => {
  const table = new IdTable()
  const words = new Int32Array(ENTRY_WORDS)
  const add = (id: number): string => {
    words[0] = id
    words[1] = Math.imul(id, 0x9e3779b1)
    return table.add(words)
  }
  const set = new Set<number>()
  // A linear congruence visits few numbers twice; every sixth one offered is a repeat.
  const offered = 1_210_000
  let state = 12_345
  const firsts = new Uint32Array(offered)
  let count = 0
  for (let number = 0; number < offered; number++) {
    state =
      number % 6 === 5 ? Number(firsts[number % count]) : (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const id = state
    const isNew = !set.has(id)
    if (isNew) {
      set.add(id)
      firsts[count++] = id
    }
    if ((add(id) === 'new') !== isNew) assert.fail(`id ${id} at ${number}`)
    state = (state + number) >>> 0
  }
  assert.equal(table.size, set.size)
  assert.ok(set.size > 990_000, `${set.size} ids`)
  const gone = count >>> 1
  table.removeOldest(gone)
  assert.equal(table.size, count - gone)
  for (let nth = 0; nth < count; nth++) {
    const id = Number(firsts[nth])
    words[0] = id
    words[1] = Math.imul(id, 0x9e3779b1)
    if (table.find(words) !== (nth < gone ? 'new' : 'repeat')) assert.fail(`id ${id} after the removal`)
  }
  // The log goes once around the ring: what left makes room for what comes, in the same order.
  for (let nth = 0; nth < gone; nth++) if (add(Number(firsts[nth])) !== 'new') assert.fail(`id ${nth} again`)
  assert.equal(table.size, count)
  assert.equal(table.newest(gone, gone - 1).readUInt32LE(0), firsts[0])
})
