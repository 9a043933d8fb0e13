/** Where long work pauses, so that other work gets a turn of the event loop. */
export interface Pauses {
  /** Resolves when the work may continue; `holder` names the party for which it is done. */
  pause(holder: string): Promise<void>
}

/**
 * Divides the long work of a process into pieces, one for each turn of the event loop: however much is under way, short
 * work waits for one piece and not for a piece of each. The holders take turns.
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

  /** What is requested within a turn is done in the next one, after input and output. */
  #next(): void {
    const [first] = this.#waiting
    if (first === undefined) {
      this.#isRunning = false
      return
    }
    const [holder, [resolve, ...others]] = first
    this.#waiting.delete(holder)
    // It goes to the end of the queue, after all others that wait.
    if (others.length > 0) this.#waiting.set(holder, others)
    setImmediate(() => this.#next())
    resolve?.()
  }
}

/** Gives other work a turn, where at most one piece of long work is under way. */
export function othersTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Maps a long list in order, a part of it in each turn. */
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
