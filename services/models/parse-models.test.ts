import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MODEL_ROWS_MAX, MODELS_BYTES_MAX, TDP_WATTS_MAX } from '../../schemas/models.ts'
import { FAULTS_NAMED_MAX, parseModels } from './parse-models.ts'

const parse = (document: unknown) => parseModels(Buffer.from(JSON.stringify(document)))
const row = (changes: object = {}) => ({ pattern: 'm', execution: 'api', ...changes })
const faults = (document: unknown): string[] => {
  const parsed = parse(document)
  return 'errors' in parsed ? parsed.errors.map(({ path, code }) => `${path} ${code}`) : []
}

test('a table is its rows; board power is 170 W where it is not said', () => {
  const rows = [
    row(),
    { pattern: 'own-*', execution: 'local', tdp_watts: TDP_WATTS_MAX },
    row({ pattern: '*', tdp_watts: 0 }),
  ]
  assert.deepEqual(parse({ rows }), {
    rows: [
      { pattern: 'm', paid_api: true, tdp_watts: 170 },
      { pattern: 'own-*', paid_api: false, tdp_watts: TDP_WATTS_MAX },
      { pattern: '*', paid_api: true, tdp_watts: 0 },
    ],
  })
  assert.deepEqual(parse({ rows: [] }), { rows: [] })
  assert.deepEqual(parseModels(Buffer.from('\ufeff{"rows":[]}')), { rows: [] })
})

test('all that is wrong is named, where it stands', () => {
  const wrong = [
    row({ pattern: '' }),
    row({ pattern: 'a*b' }),
    row({ pattern: 7 }),
    row({ execution: 'cloud' }),
    { pattern: 'n' },
    row({ tdp_watts: TDP_WATTS_MAX + 1, pattern: 'o' }),
    row({ tdp_watts: -1, pattern: 'p' }),
    row({ tdp_watts: 1.5, pattern: 'q' }),
    row({ tdp_watts: null, pattern: 'r' }),
    row({ tdp: 5, pattern: 's' }),
    row({ pattern: 'o' }),
    'm',
  ]
  assert.deepEqual(faults({ rows: wrong }), [
    '/rows/0/pattern invalid_text',
    '/rows/1/pattern invalid_text',
    '/rows/2/pattern invalid_text',
    '/rows/3/execution invalid_value',
    '/rows/4/execution invalid_value',
    '/rows/5/tdp_watts out_of_range',
    '/rows/6/tdp_watts out_of_range',
    '/rows/7/tdp_watts out_of_range',
    '/rows/8/tdp_watts out_of_range',
    '/rows/9 unknown_field',
    '/rows/10/pattern duplicate',
    '/rows/11 wrong_type',
  ])
  assert.equal(faults({ rows: Array.from({ length: 99 }, () => 'x') }).length, FAULTS_NAMED_MAX)
  assert.deepEqual(faults([]), ['/rows wrong_type'])
  assert.deepEqual(faults({ rows: {} }), ['/rows wrong_type'])
  assert.deepEqual(faults({ rows: [], version: 3 }), ['/ unknown_field'])
})

test('what is no JSON in UTF-8, or too much of it, is no table', () => {
  const codeOf = (bytes: Buffer) => {
    const parsed = parseModels(bytes)
    return 'errors' in parsed ? parsed.errors[0]?.code : 'taken'
  }
  assert.equal(codeOf(Buffer.from('{"rows":')), 'not_json')
  assert.equal(codeOf(Buffer.alloc(0)), 'not_json')
  assert.equal(codeOf(Buffer.from('7b22726f7773223a5b5d2c22ff223a317d', 'hex')), 'not_json')
  const padded = (bytes: number) => Buffer.from('{"rows":[]}'.padEnd(bytes))
  assert.equal(codeOf(padded(MODELS_BYTES_MAX)), 'taken')
  assert.equal(codeOf(padded(MODELS_BYTES_MAX + 1)), 'too_large')
  const many = (count: number) => ({
    rows: Array.from({ length: count }, (_, at) => row({ pattern: `m${at}` })),
  })
  assert.deepEqual(faults(many(MODEL_ROWS_MAX)), [])
  assert.deepEqual(faults(many(MODEL_ROWS_MAX + 1)), ['/rows out_of_range'])
})
