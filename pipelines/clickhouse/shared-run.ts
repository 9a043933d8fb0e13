/**
 * Work that many callers wait for at once. A caller that comes while it is under way needs a run that begins later, so all
 * such callers share the next one: at most one run is under way and one is to come.
 */
export class SharedRun<Result> {
  readonly #work: () => Promise<Result>
  #running: Promise<Result> | undefined
  #next: Promise<Result> | undefined

  constructor(work: () => Promise<Result>) {
    this.#work = work
  }

  /** The result of a run that begins after this call. */
  run(): Promise<Result> {
    if (this.#running === undefined) return this.#begin()
    this.#next ??= this.#afterRunning(this.#running)
    return this.#next
  }

  #begin(): Promise<Result> {
    const running = this.#work().finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
  }

  async #afterRunning(running: Promise<Result>): Promise<Result> {
    await running.catch(() => {})
    this.#next = undefined
    return await this.#begin()
  }
}
