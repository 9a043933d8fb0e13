import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Place } from '../reading/place.ts'
import { Warnings } from '../reading/warnings.ts'
import { bracketParts } from './bracket-text.ts'

const parts = (text: unknown): Record<string, string[]> => {
  const warnings = new Warnings()
  const entries = bracketParts(new Place(text, warnings), warnings).entries()
  return Object.fromEntries(entries.map(([name, words]) => [name, words.items().map((word) => word.word())]))
}

test('names before brackets, words between them', () => {
  assert.deepEqual(parts('Aa[1] Bb_2[ 3  -4.5% ] C[] D[In Work, x: 3 ]'), {
    aa: ['1'],
    bb_2: ['3', '-4.5%'],
    c: [],
    d: ['in', 'work,', 'x:', '3'],
  })
})

test('sections are read as if they stood outside; a name counts once', () => {
  assert.deepEqual(parts("'HB0':{T0[1 2]}'HB1':{T1[3] T0[9]}"), { t0: ['1', '2'], t1: ['3'] })
})

test('what is no such text has no parts', () => {
  for (const text of ['', 'plain', 'Aa[1', '[1]', '9[1]', null, 7, { a: 1 }])
    assert.deepEqual(parts(text), {})
})

test('a long text without brackets is read at once', () => {
  const text = 'a'.repeat(2_000_000)
  assert.deepEqual(parts(`${text}[1]`), { ['a'.repeat(32)]: ['1'] })
})
