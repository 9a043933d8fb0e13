/** Where long work pauses, so that everybody else has a turn of the event loop. */
export interface Pauses {
  /** Resolves when the work may go on; `holder` is for whom it is done. */
  pause(holder: string): Promise<void>
}

/**
 * Long work of a process, one piece of it a turn of the event loop: however much is under way, what is short waits for one
 * piece and not for one of each. Those for whom it is done take turns.
 */
export class LoopTurns implements Pauses {
  readonly #waiting = new Map<string, (() => void)[]>()
  #isRunning = false

  pause(holder: string): Promise<void> {
    return new Promise((resolve) => {
      const others = this.#waiting.get(holder)
      if (others === undefined) this.#waiting.set(holder, [resolve])
      else others.push(resolve)
      if (this.#isRunning) return
      this.#isRunning = true
      setImmediate(() => this.#next())
    })
  }

  /** What is asked for within a turn is done in the next one, after input and output. */
  #next(): void {
    const [first] = this.#waiting
    if (first === undefined) {
      this.#isRunning = false
      return
    }
    const [holder, [resolve, ...others]] = first
    this.#waiting.delete(holder)
    // Behind all others that wait.
    if (others.length > 0) this.#waiting.set(holder, others)
    setImmediate(() => this.#next())
    resolve?.()
  }
}

/** Lets everybody else have a turn, where one piece of long work is under way at most. */
export function othersTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Maps a long list, a part of it a turn, in order. */
export async function mapInTurns<Item, Result>(
  items: readonly Item[],
  { itemsPerTurn, pause }: { readonly itemsPerTurn: number; readonly pause: () => Promise<void> },
  map: (item: Item) => Result,
): Promise<Result[]> {
  const results: Result[] = []
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % itemsPerTurn === 0) await pause()
    results.push(map(item))
  }
  return results
}
