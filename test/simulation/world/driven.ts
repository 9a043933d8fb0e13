import type { Timeline } from './timeline.ts'

const STEP_MS = 20
const STEPS_MAX = 10_000

/** Lets a world's time pass while there is work in it; for those who stand outside of it and ask several things at once. */
export class Driver {
  readonly #timeline: Timeline
  #underWay = 0
  #passing: Promise<void> | undefined

  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  /** Resolves or rejects as the work does; rejects where it does not end. */
  async drive<T>(work: Promise<T>): Promise<T> {
    this.#underWay++
    const over = work.finally(() => {
      this.#underWay--
    })
    // It is awaited at the end: until then a failure must not count as one that nobody looks at.
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
