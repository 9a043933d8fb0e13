/** Something that happens at a time, unless it is cancelled before then. */
export interface Timer {
  readonly dueMs: number
  readonly order: number
  readonly run: () => void
  isCancelled: boolean
}

const isBefore = (left: Timer, right: Timer): boolean =>
  left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order)

/**
 * The one queue of everything that happens in a simulated world. One entry happens, then everything runs that follows
 * from it without waiting, then time moves to the next entry: so a seed always gives the same order, however fast the
 * machine is.
 */
export class Timeline {
  nowMs: number
  /** The number of entries that happened. */
  steps = 0
  readonly #heap: Timer[] = []
  #order = 0
  #isBusy = false
  #onIdle: () => void = () => {}
  /** Work that waits for the work before it. */
  readonly #waiting: (() => void)[] = []

  constructor(startMs: number) {
    this.nowMs = startMs
  }

  /** Schedules `run` for `delayMs` from now; entries of the same time happen in the order of these calls. */
  after(delayMs: number, run: () => void): Timer {
    const timer = {
      dueMs: this.nowMs + Math.max(0, Math.round(delayMs)),
      order: this.#order++,
      run,
      isCancelled: false,
    }
    this.#push(timer)
    return timer
  }

  /**
   * Work on the machine's own threads (packing of blocks) begins: it must end before time moves on. One piece at a time,
   * in the order of these calls: which of two threads is done first depends on the machine, and must not decide anything
   * here.
   */
  async beginWork(): Promise<void> {
    if (!this.#isBusy) {
      this.#isBusy = true
      return
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    await promise
  }

  /** That work has ended, or waits for something that only the passing of time brings. */
  endWork(): void {
    const next = this.#waiting.shift()
    if (next !== undefined) {
      next()
      return
    }
    this.#isBusy = false
    this.#onIdle()
  }

  /** Lets time pass up to `untilMs`, or until `isOver` says so. */
  async run(untilMs: number, isOver: () => boolean = () => false): Promise<void> {
    await this.#settled()
    for (;;) {
      const [next] = this.#heap
      if (next === undefined || next.dueMs > untilMs) break
      this.#pop()
      if (next.isCancelled) continue
      this.nowMs = next.dueMs
      this.steps++
      next.run()
      await this.#settled()
      if (isOver()) return
    }
    this.nowMs = Math.max(this.nowMs, untilMs)
  }

  /** A turn of the event loop runs all promises that are ready; threads may need more turns. */
  async #settled(): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      if (!this.#isBusy) return
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#onIdle = resolve
      await promise
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let at = heap.push(timer) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(timer, heap[parent] as Timer)) break
      heap[at] = heap[parent] as Timer
      at = parent
    }
    heap[at] = timer
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child++
      if (!isBefore(heap[child] as Timer, last)) break
      heap[at] = heap[child] as Timer
      at = child
    }
    heap[at] = last
  }
}
