import type { Timeline } from './timeline.ts'

const STEP_MS = 20
const STEPS_MAX = 10_000

/**
 * Lets the time of a world pass while there is work in it; for callers outside of the world that start several requests
 * at once.
 */
export class Driver {
  readonly #timeline: Timeline
  #underWay = 0
  #passing: Promise<void> | undefined

  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  /** Resolves or rejects with the work; rejects where the work does not end. */
  async drive<T>(work: Promise<T>): Promise<T> {
    this.#underWay++
    const over = work.finally(() => {
      this.#underWay--
    })
    // It is awaited at the end: until then a failure must not count as an unhandled rejection.
    over.catch(() => {})
    this.#passing ??= this.#pass().finally(() => {
      this.#passing = undefined
    })
    await Promise.race([over, this.#passing])
    return await over
  }

  async #pass(): Promise<void> {
    const timeline = this.#timeline
    for (let step = 0; this.#underWay > 0; step++) {
      if (step === STEPS_MAX) throw new Error('The work does not end.')
      const before = this.#underWay
      await timeline.run(timeline.nowMs + STEP_MS, () => this.#underWay < before)
    }
  }
}

/** The same for one piece of work. */
export async function driven<T>(timeline: Timeline, work: Promise<T>): Promise<T> {
  return await new Driver(timeline).drive(work)
}
