import type { FailpointName } from '../../../pipelines/failpoints.ts'

/** The failpoints of one process. It waits at a failpoint when that is armed, until it is released. */
export class HeldPoints {
  readonly #onReached: (name: FailpointName) => void
  readonly #armed = new Set<FailpointName>()
  #released = Promise.withResolvers<void>()

  /** `onReached` is called once for each armed point, before the process waits there. */
  constructor(onReached: (name: FailpointName) => void) {
    this.#onReached = onReached
  }

  /** The next time that the point is reached, the process announces it and waits there. */
  arm(name: FailpointName): void {
    this.#armed.add(name)
  }

  /**
   * Goes on from where it waits, and waits nowhere any more: a point that was armed here and is reached only now, since
   * another process was first, would hold its task for ever.
   */
  release(): void {
    this.#armed.clear()
    this.#released.resolve()
    this.#released = Promise.withResolvers()
  }

  async reached(name: FailpointName): Promise<void> {
    if (!this.#armed.delete(name)) return
    const { promise } = this.#released
    this.#onReached(name)
    await promise
  }
}
