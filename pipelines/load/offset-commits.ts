/**
 * Commits of a group's offsets that nothing waits for. No decision depends on them: a coordinator that hangs must not delay
 * a partition (it did, for the whole 25 s of its hang, while kafkajs tried a commit again and again). For each partition
 * one commit is under way at a time, and one waits: the newest.
 */
export class OffsetCommits {
  /** By partition, the commit that waits for the one under way, if there is one. */
  readonly #underWay = new Map<string, Commit | undefined>()

  /**
   * Sends it, or a newer one of the same partition ("topic/3") in its place. The commit itself has to report the error with
   * which it rejects.
   */
  commit(partition: string, commit: Commit): void {
    if (this.#underWay.has(partition)) this.#underWay.set(partition, commit)
    else void this.#sendAll(partition, commit)
  }

  async #sendAll(partition: string, first: Commit): Promise<void> {
    for (let next: Commit | undefined = first; next !== undefined; next = this.#underWay.get(partition)) {
      this.#underWay.set(partition, undefined)
      await next().catch(() => {})
    }
    this.#underWay.delete(partition)
  }
}

/** One try. */
export type Commit = () => Promise<void>
