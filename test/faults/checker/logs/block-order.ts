import type { Problems } from '../problems.ts'

/** Checks the numbers of the blocks of one partition in log order: each is one above the last. */
export class BlockOrder {
  readonly #name: string
  readonly #problems: Problems
  #lastSeq: number | null = null

  /** `name` is the name of the partition in problems. */
  constructor(name: string, problems: Problems) {
    this.#name = name
    this.#problems = problems
  }

  /** The next committed block. The log may begin with any number: old blocks are deleted. */
  add(offset: bigint, seqHeader: string | null): void {
    const place = `${this.#name} at offset ${offset}`
    if (seqHeader === null || !/^\d+$/.test(seqHeader)) {
      this.#problems.add('block', `${place} has no block number`)
      return
    }
    const seq = Number(seqHeader)
    if (this.#lastSeq !== null && seq !== this.#lastSeq + 1) {
      this.#problems.add('block', `${place} is block ${seq} after block ${this.#lastSeq}`)
    }
    this.#lastSeq = seq
  }
}
