/**
 * Room that credentials share. A request for more is granted if its holder would then hold no more than what would still
 * be free: a single holder may have half, and a new one finds room, because nobody can take the last of it.
 */
export class Shares {
  readonly #max: () => number
  readonly #held = new Map<string, number>()
  #total = 0

  /** `max` is called each time: the room may grow and shrink. */
  constructor(max: number | (() => number)) {
    this.#max = typeof max === 'number' ? () => max : max
  }

  /** What all holders have together. */
  get total(): number {
    return this.#total
  }

  /** Whether `take` would return true. */
  hasRoom(holder: string, amount: number): boolean {
    const held = (this.#held.get(holder) ?? 0) + amount
    return held <= this.#max() - this.#total - amount
  }

  /** Takes room for the holder, or returns false and takes nothing. */
  take(holder: string, amount: number): boolean {
    if (!this.hasRoom(holder, amount)) return false
    this.#change(holder, amount)
    return true
  }

  /** Gives back what was taken. */
  giveBack(holder: string, amount: number): void {
    this.#change(holder, -amount)
  }

  #change(holder: string, by: number): void {
    this.#total += by
    const held = (this.#held.get(holder) ?? 0) + by
    // A holder that has nothing is forgotten, so that names which strangers choose cannot fill the memory.
    if (held === 0) this.#held.delete(holder)
    else this.#held.set(holder, held)
  }
}

/** What one request holds of several shares. It is given back once, when the answer is out and the work has ended. */
export class Holding {
  readonly holder: string
  readonly #taken = new Map<Shares, number>()
  /** The answer is one user of what is held, and each piece of work is another. */
  #users = 1

  constructor(holder: string) {
    this.holder = holder
  }

  /** What it holds of these shares. */
  of(shares: Shares): number {
    return this.#taken.get(shares) ?? 0
  }

  /** Whether `take` would return true. */
  hasRoom(shares: Shares, amount: number): boolean {
    return shares.hasRoom(this.holder, amount)
  }

  /** Takes more, or returns false and keeps what it has. */
  take(shares: Shares, amount: number): boolean {
    // Work that goes on after everything was given back would take room that is never returned.
    if (this.#users === 0 || !shares.take(this.holder, amount)) return false
    this.#taken.set(shares, this.of(shares) + amount)
    return true
  }

  /** Keeps everything until the work has ended, even if its client goes away meanwhile. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#users += 1
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  /** The answer is out, or its client is gone; called once. */
  end(): void {
    this.#leave()
  }

  #leave(): void {
    this.#users -= 1
    if (this.#users > 0) return
    for (const [shares, amount] of this.#taken) shares.giveBack(this.holder, amount)
    this.#taken.clear()
  }
}
