/** Values that came at a time. */
export interface TimedValues {
  readonly atMs: number
  readonly values: readonly bigint[]
}

/** Sums over time: for a moment, it returns the sums of what had come before it. */
export class Timeline {
  readonly #times: Float64Array
  /** Sums of everything up to and including the n-th entry, column by column. */
  readonly #sums: BigInt64Array
  readonly #columns: number

  constructor(entries: readonly TimedValues[], columns: number) {
    const sorted = entries.toSorted((left, right) => left.atMs - right.atMs)
    this.#columns = columns
    this.#times = Float64Array.from(sorted, ({ atMs }) => atMs)
    this.#sums = new BigInt64Array((sorted.length + 1) * columns)
    for (const [index, { values }] of sorted.entries()) {
      for (let column = 0; column < columns; column++) {
        const before = this.#sums[index * columns + column] as bigint
        this.#sums[(index + 1) * columns + column] = before + (values[column] ?? 0n)
      }
    }
  }

  /** Sums of the entries strictly before `atMs`. */
  before(atMs: number): bigint[] {
    let low = 0
    let high = this.#times.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#times[middle] as number) < atMs) low = middle + 1
      else high = middle
    }
    const at = low * this.#columns
    return [...this.#sums.subarray(at, at + this.#columns)]
  }
}
