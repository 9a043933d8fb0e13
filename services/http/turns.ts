import { Shares } from './shares.ts'

interface Waiting {
  readonly holder: string
  readonly start: () => void
}

/**
 * Work of which a bounded number runs at once: each credential has its share of the places, and work without a place
 * waits for one, first come first served among those that may have it. The caller must bound how many may wait.
 */
export class Turns {
  readonly #running: Shares
  #waiting: readonly Waiting[] = []

  constructor(atOnceMax: number) {
    this.#running = new Shares(atOnceMax)
  }

  async run<Result>(holder: string, work: () => Promise<Result>): Promise<Result> {
    if (!this.#running.take(holder, 1)) {
      await new Promise<void>((resolve) => {
        this.#waiting = [...this.#waiting, { holder, start: resolve }]
      })
    }
    try {
      return await work()
    } finally {
      this.#running.giveBack(holder, 1)
      this.#startAllowed()
    }
  }

  #startAllowed(): void {
    const before = this.#waiting
    this.#waiting = before.filter(({ holder, start }) => {
      if (!this.#running.take(holder, 1)) return true
      start()
      return false
    })
  }
}
