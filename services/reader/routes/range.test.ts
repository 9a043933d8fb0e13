import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problem } from '../../http/problem.ts'
import { bound } from '../../../test/support/oracles/named-bounds.ts'
import { rangeOf } from './range.ts'

const NOW = Date.UTC(2026, 1, 20, 14, 30)
const NOW_S = NOW / 1_000

function refusal(name: 'from' | 'to', text: string): string | null {
  try {
    rangeOf({ [name]: text, ...(name === 'from' && { to: '2105-12-31T00:00:00Z' }) }, NOW)
    return null
  } catch (error) {
    assert.ok(error instanceof Problem && error.code === 'invalid_request')
    assert.deepEqual((error.extra['errors'] as { path: string }[])[0]?.path, `/${name}`)
    return error.message
  }
}

test('SECONDS_MIN: a time in seconds, micro- or nanoseconds is refused with what it means, instead of meaning 1970', () => {
  const least = bound('services/http/times.ts', 'SECONDS_MIN')
  for (const name of ['from', 'to'] as const) {
    for (const [text, unit] of [
      [String(NOW_S), 'seconds'],
      [`${NOW_S}.25`, 'seconds'],
      [String(least), 'seconds'],
      [`${NOW}000`, 'microseconds'],
      [`${NOW}000000`, 'nanoseconds'],
    ] as const) {
      const message = refusal(name, text) ?? ''
      assert.match(message, new RegExp(`^"${name}" ${text} looks like ${unit}: `), text)
    }
    assert.match(
      refusal(name, String(NOW_S)) ?? '',
      /2026-02-20T14:30:00\.000Z.*Give milliseconds, 1771597800000/,
    )
  }
  assert.equal(refusal('from', '0'), null)
  assert.equal(refusal('from', String(least - 1)), null)
  assert.equal(refusal('from', String(NOW)), null)
  assert.equal(refusal('from', '2026-02-20T14:30:00Z'), null)
  for (const text of ['1e12', '-5', 'yesterday', '99999999999999999999', `${NOW}.5`])
    assert.match(refusal('from', text) ?? '', /is no time from 1970 to 2105/, text)
})
