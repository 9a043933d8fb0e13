import type { ExpectedRow } from './model.ts'

/** From the begin of a log that has lost its first records: as long as a copy of what is lost may still come. */
const WARM_UP = 3_600_000

/**
 * Of which rows nothing can be said where the log no longer has its first records: a sample may be a repeat of one that is
 * gone. That can be so within the first hour, and for numbers below the first one that the log shows of an epoch.
 */
export class Unsure {
  readonly #isWhole: boolean
  readonly #lowest = new Map<string, number>()
  #firstAt: number | null = null

  /** `start`: the first offset that the log has. */
  constructor(start: bigint) {
    this.#isWhole = start === 0n
  }

  isUnsure({ node, epoch, seq }: ExpectedRow, timestampMs: number): boolean {
    if (this.#isWhole) return false
    this.#firstAt ??= timestampMs
    const key = `${node} ${epoch}`
    const lowest = this.#lowest.get(key) ?? seq
    this.#lowest.set(key, lowest)
    return seq < lowest || timestampMs < this.#firstAt + WARM_UP
  }
}
