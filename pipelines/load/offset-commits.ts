/**
 * Commits of a group's offsets that nobody waits for. Nothing is decided by them: a coordinator that hangs must hold up no
 * partition (it did, for all of its 25 s, while kafkajs tried a commit again and again). One commit of a partition is under
 * way at a time, and one waits: the newest.
 */
export class OffsetCommits {
  /** By partition: what waits for the commit under way, if there is one. */
  readonly #underWay = new Map<string, Commit | undefined>()

  /** Has it sent, or a newer one of the same partition ("topic/3") in its place. What it rejects with is its own to tell. */
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
