import type { Timeline } from './timeline.ts'

const STEP_MS = 20
const STEPS_MAX = 10_000

/** Lets the world's time pass until the work is done; for those who stand outside of it. */
export async function driven<T>(timeline: Timeline, work: Promise<T>): Promise<T> {
  const state = { isOver: false }
  const over = work.finally(() => {
    state.isOver = true
  })
  // It is awaited at the end: until then a failure must not count as one that nobody looks at.
  over.catch(() => {})
  for (let step = 0; !state.isOver; step++) {
    if (step === STEPS_MAX) throw new Error('The work does not end.')
    await timeline.run(timeline.nowMs + STEP_MS, () => state.isOver)
  }
  return await over
}
