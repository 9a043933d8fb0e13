import assert from 'node:assert/strict'
import { systemClock } from '../../pipelines/clock.ts'

const POLL_MS = 25

/**
 * Asks again and again until the answer is neither undefined, null nor false, and gives it back. Fails after
 * `timeoutMs`, naming what it waited for and, where `show` is given, how things stood.
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
      const stood = show === undefined ? '' : `\n${String(await show())}`
      assert.fail(`waited ${timeoutMs} ms for ${what}${stood}`)
    }
    await systemClock.delay(POLL_MS)
  }
}
