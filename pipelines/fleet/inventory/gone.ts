/** Records of fleet.state that are deleted with one transaction; the others go with the next ones. */
export const TOMBSTONES_PER_BATCH_MAX = 1_000

/**
 * Keys of records that memory has forgotten and fleet.state has not. A task that is restored meanwhile finds them there,
 * forgets them again with its first record, and deletes them then.
 */
export class Gone {
  readonly #keys = new Set<string>()

  add(key: string): void {
    this.#keys.add(key)
  }

  /** The record is written again. */
  cancel(key: string): void {
    this.#keys.delete(key)
  }

  /** The keys whose records go with this transaction, the oldest first. */
  take(): string[] {
    const taken = [...this.#keys].slice(0, TOMBSTONES_PER_BATCH_MAX)
    for (const key of taken) this.#keys.delete(key)
    return taken
  }
}
