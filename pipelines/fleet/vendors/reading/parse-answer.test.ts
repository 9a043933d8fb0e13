import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { parseAnswer } from './parse-answer.ts'
import { Warnings } from './warnings.ts'

function read(text: string): { value: unknown; warnings: string[] } {
  const warnings = new Warnings()
  const value = parseAnswer(text, 'asked', warnings)
  return { value, warnings: warnings.list() }
}

describe('JSON as machines write it', () => {
  test('what is valid is left alone, whatever its texts hold', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value)
        assert.deepEqual(read(text), { value: JSON.parse(text) as unknown, warnings: [] })
      }),
    )
  })

  const REPAIRED: readonly (readonly [string, unknown])[] = [
    ['[{"a":1}{"b":2}]', [{ a: 1 }, { b: 2 }]],
    ['{"a":[{"b":1}\n{"c":2}],}', { a: [{ b: 1 }, { c: 2 }] }],
    ['{"a":[1,2,],}', { a: [1, 2] }],
    ['{,"a":[,1]}', { a: [1] }],
    [',{"a":1}', { a: 1 }],
    ['["x",{"y":[1,]}]', ['x', { y: [1] }]],
    ['{"a":"two\nlines\tand a tab"}', { a: 'two lines and a tab' }],
    ['{"temps":1,""temp0":2}', { temps: 1, temp0: 2 }],
    [
      '{"a":nan,"b":-nan,"c":inf,"d":-inf,"e":Infinity}',
      { a: 'nan', b: 'nan', c: 'nan', d: 'nan', e: 'nan' },
    ],
    ['{"code":["17":"now","18":"then"]}', { code: [{ 17: 'now', 18: 'then' }] }],
    // Texts that look like mistakes are no mistakes.
    ['{"a":"}{ ,] nan [","b":"\\"\\"x",}', { a: '}{ ,] nan [', b: '""x' }],
  ]
  for (const [text, value] of REPAIRED) {
    test(text, () => assert.deepEqual(read(text), { value, warnings: ['json_repaired:asked'] }))
  }

  test('NULs are taken away', () => {
    assert.deepEqual(read('{"a":1}\0\0'), { value: { a: 1 }, warnings: ['nul_stripped:asked'] })
    const both = ['json_repaired:asked', 'nul_stripped:asked']
    assert.deepEqual(read('{"a":1,}\0'), { value: { a: 1 }, warnings: both })
  })

  test('what was cut in the middle is unusable as a whole, and so is no JSON at all', () => {
    for (const text of [
      '',
      '{"a":[{"b":1},{"c',
      '{"a":1}{"b":2}',
      'socket connect failed',
      '{"a":12',
      '[[[[',
    ]) {
      assert.deepEqual(read(text), { value: undefined, warnings: ['answer_unusable:asked'] }, text)
    }
  })

  test('any cut of an answer gives nothing, never a part of it', () => {
    const text = '{"STATUS":[{"a":"x"}{"b":-nan,}],"n":[1,2],"pairs":["1":"t"]}'
    assert.notEqual(read(text).value, undefined)
    for (let end = 0; end < text.length; end += 1) assert.equal(read(text.slice(0, end)).value, undefined)
  })
})
