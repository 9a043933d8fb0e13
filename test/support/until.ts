import assert from 'node:assert/strict'
import { systemClock } from '../../pipelines/clock.ts'

const POLL_MS = 25

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
  const deadlineMs = systemClock.monotonicMs() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== null && answer !== false) return answer
    if (systemClock.monotonicMs() > deadlineMs) {
      const state = show === undefined ? '' : `\n${String(await show())}`
      assert.fail(`waited ${timeoutMs} ms for ${what}${state}`)
    }
    await systemClock.delay(POLL_MS)
  }
}
