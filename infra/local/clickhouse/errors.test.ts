import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ClickhouseError, describeFailure } from './errors.ts'

const cases: readonly (readonly [thrown: unknown, code: number, status: number, message: string])[] = [
  [
    new Error('Code: 60. DB::Exception: No table. (UNKNOWN_TABLE)'),
    60,
    404,
    'Code: 60. DB::Exception: No table. (UNKNOWN_TABLE) (version 1 (chdb))\n',
  ],
  [
    new Error(
      'Code: 27. DB::Exception: Code: 27. DB::Exception: Bad\nrow (X_Y). (CANNOT_PARSE) (version 26.7). (CANNOT_PARSE)',
    ),
    27,
    400,
    'Code: 27. DB::Exception: Bad\nrow (X_Y). (CANNOT_PARSE) (version 1 (chdb))\n',
  ],
  [
    new ClickhouseError(241, 'MEMORY', 'Too much'),
    241,
    500,
    'Code: 241. DB::Exception: Too much (MEMORY) (version 1 (chdb))\n',
  ],
  ['odd', 1002, 500, 'Code: 1002. DB::Exception: odd (UNKNOWN_EXCEPTION) (version 1 (chdb))\n'],
]
for (const [thrown, code, status, message] of cases) {
  it(`describes ${String(thrown).slice(0, 60)}`, () => {
    assert.deepEqual(describeFailure(thrown, '1'), { code, status, message })
  })
}
