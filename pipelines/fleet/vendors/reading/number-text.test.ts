import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { NUMBER_TEXT_CHARACTERS_MAX, readNumberText } from './number-text.ts'

const READ: readonly (readonly [string, number, string])[] = [
  ['41.5', 41.5, ''],
  ['-3', -3, ''],
  ['+7', 7, ''],
  ['.5', 0.5, ''],
  ['5.', 5, ''],
  ['1e3', 1_000, ''],
  ['2.5E-1', 0.25, ''],
  ['61.25W', 61.25, 'W'],
  ['61,25 W', 61.25, 'W'],
  ['3210.00 RPM', 3_210, 'RPM'],
  ['37 %', 37, '%'],
  ['[37%]', 37, '%'],
  ['(12)', 12, ''],
  ['262K', 262, 'K'],
  ['5.61TH/s', 5.61, 'TH/s'],
  ['44 °C', 44, '°C'],
  // With both signs the last one is the decimal point.
  ['17,300.25', 17_300.25, ''],
  ['17.300,25', 17_300.25, ''],
  ['1,234,567.8', 1_234_567.8, ''],
  // A lone comma before exactly three digits groups; any other is the decimal point.
  ['17,300', 17_300, ''],
  ['17,30', 17.3, ''],
  ['17,3000', 17.3, ''],
  ['1234,567', 1_234.567, ''],
  ['0,250', 0.25, ''],
  ['17.300', 17.3, ''],
  ['1,234,567', 1_234_567, ''],
  ['1.234.567', 1_234_567, ''],
  ['17 300,5', 17_300.5, ''],
  ["17'300.5", 17_300.5, ''],
  ['17\u00a0300', 17_300, ''],
]

describe('a number in a text', () => {
  for (const [text, value, unit] of READ) {
    test(JSON.stringify(text), () =>
      assert.deepEqual(readNumberText(text), { value, unit, isTrimmed: false }),
    )
  }

  test('blanks around it are known', () => {
    assert.deepEqual(readNumberText(' 41.5\r'), { value: 41.5, unit: '', isTrimmed: true })
    assert.deepEqual(readNumberText('7 W\r\n'), { value: 7, unit: 'W', isTrimmed: true })
  })

  test('not finite, not there, no number', () => {
    for (const text of ['nan', '-nan', 'inf', '-Inf', 'Infinity', '1e999'])
      assert.equal(readNumberText(text), 'not_finite')
    for (const text of ['N/A', '[N/A]', '[Not Supported]', '[Unknown Error]', 'Not Available', '--', '[]'])
      assert.equal(readNumberText(text), 'unavailable', text)
    for (const text of [
      '',
      ' ',
      'alive',
      '0:00:03',
      '1.2.3',
      '1,2,3',
      '12 13',
      '0x1F',
      '1,23.4,5',
      '12 [3]',
      '+',
    ])
      assert.equal(readNumberText(text), 'none', text)
  })

  test(`a text of more than ${NUMBER_TEXT_CHARACTERS_MAX} characters is no number`, () => {
    assert.notEqual(readNumberText('1'.repeat(NUMBER_TEXT_CHARACTERS_MAX)), 'none')
    assert.equal(readNumberText('1'.repeat(NUMBER_TEXT_CHARACTERS_MAX + 1)), 'none')
  })

  test('every double is read as the machine writes it', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        assert.deepEqual(readNumberText(String(value)), {
          value: Number(String(value)),
          unit: '',
          isTrimmed: false,
        })
      }),
    )
  })
})
