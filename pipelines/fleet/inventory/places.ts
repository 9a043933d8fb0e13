/** Numbers for things that stand in pages: dense, and the lowest that is free is given first. */
export class Places {
  readonly #held = new Map<number, string>()
  /** Every number below it that is free is in `#free`. */
  #end = 0
  readonly #free = new Set<number>()

  /** What holds a number. */
  holderOf(place: number): string | undefined {
    return this.#held.get(place)
  }

  /** Gives the lowest number that is free. */
  take(id: string): number {
    const place = this.#lowestFree()
    this.hold(place, id)
    return place
  }

  /** Notes who holds a number, as the state says. */
  hold(place: number, id: string): void {
    for (; this.#end <= place; this.#end += 1) this.#free.add(this.#end)
    this.#free.delete(place)
    this.#held.set(place, id)
  }

  /** The number is free again, unless another has it already: fleet.state may delete the one before after that. */
  give(place: number, id: string): void {
    if (this.#held.get(place) !== id) return
    this.#held.delete(place)
    this.#free.add(place)
  }

  #lowestFree(): number {
    let lowest = this.#end
    for (const place of this.#free) lowest = Math.min(lowest, place)
    return lowest
  }
}
