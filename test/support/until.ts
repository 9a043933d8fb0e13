import assert from 'node:assert/strict'
import { systemClock } from '../../pipelines/clock.ts'

/**
 * Each look costs the server that is asked something, and the tests run beside it on the same cores: so the pause grows
 * with the time waited, and what is there at once is still seen at once.
 */
const PAUSE_MS_MIN = 25
const PAUSE_MS_MAX = 500
const PAUSE_SHARE = 0.1

/**
 * Calls `ask` again and again until the answer is neither undefined, null nor false, and returns it. Fails after
 * `timeoutMs` with an error that names what it waited for and, where `show` is given, the state.
 */
export async function until<Answer>(
  what: string,
  timeoutMs: number,
  ask: () => Answer | Promise<Answer>,
  show?: () => unknown,
): Promise<NonNullable<Answer>> {
  const startMs = systemClock.monotonicMs()
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== null && answer !== false) return answer
    const waitedMs = systemClock.monotonicMs() - startMs
    if (waitedMs > timeoutMs) {
      const state = show === undefined ? '' : `\n${String(await show())}`
      assert.fail(`waited ${timeoutMs} ms for ${what}${state}`)
    }
    await systemClock.delay(Math.min(Math.max(waitedMs * PAUSE_SHARE, PAUSE_MS_MIN), PAUSE_MS_MAX))
  }
}
