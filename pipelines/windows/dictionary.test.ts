import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { viewOf } from '../../schemas/rowbinary.ts'
import { Dictionary } from './dictionary.ts'

test('equal bytes have equal numbers, counted from 0, wherever they stand', () => {
  const words = fc.array(fc.string({ unit: 'grapheme', maxLength: 3 }), { maxLength: 60 })
  fc.assert(
    fc.property(words, (texts) => {
      const dictionary = new Dictionary()
      const model = new Map<string, number>()
      const source = Buffer.from(texts.join(''), 'utf8')
      let at = 0
      for (const text of texts) {
        const expected = model.get(text) ?? model.size
        model.set(text, expected)
        const end = at + Buffer.byteLength(text)
        assert.equal(dictionary.number(viewOf(source), at, end), expected)
        at = end
      }
      assert.equal(dictionary.size, model.size)
      source.fill(0)
      for (const [text, number] of model) {
        assert.equal(dictionary.text(number), text)
        assert.deepEqual(dictionary.bytes(number), Buffer.from(text))
      }
    }),
  )
})

test('it grows to a hundred thousand entries and forgets them all', () => {
  const dictionary = new Dictionary()
  const numberOf = (text: string): number => {
    const bytes = Buffer.from(text)
    return dictionary.number(viewOf(bytes), 0, bytes.length)
  }
  for (let number = 0; number < 100_000; number++) assert.equal(numberOf(`node-${number}`), number)
  for (let number = 0; number < 100_000; number += 997) assert.equal(numberOf(`node-${number}`), number)
  assert.equal(dictionary.text(4_711), 'node-4711')
  dictionary.clear()
  assert.equal(dictionary.size, 0)
  assert.equal(numberOf('node-4711'), 0)
})

test('an entry is copied by whole words, also the last one of the memory that it fills', () => {
  const dictionary = new Dictionary()
  const texts = [
    ...Array.from({ length: 255 }, (_, number) => String(number).padStart(64, 'n')),
    'x'.repeat(59),
  ]
  texts.push('abcde', '', 'last')
  for (const text of texts) {
    const bytes = Buffer.from(text)
    dictionary.number(viewOf(bytes), 0, bytes.length)
    const entry = dictionary.size - 1
    const to = Buffer.alloc(80)
    const end = dictionary.copy(entry, viewOf(to), 5)
    assert.equal(to.toString('latin1', 5, end), text)
    assert.equal(dictionary.lengthOf(entry), text.length)
  }
})
