import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPresent } from './present.ts'

test('a board is there by its chips or by its state; lost without either; unknown where neither is said', () => {
  const SAID: readonly (readonly [number | null, string, boolean | null])[] = [
    [60, '', true],
    [60, 'dead', true],
    [0, 'alive', true],
    [0, 'initialising', true],
    [null, 'alive', true],
    [null, 'initializing', true],
    [0, '', false],
    [0, 'dead', false],
    [null, 'dead', false],
    [null, '', null],
    [null, 'something new', null],
  ]
  for (const [chips, state, expected] of SAID)
    assert.equal(isPresent(chips, state), expected, `${chips} ${state}`)
})
