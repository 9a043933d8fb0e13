import type { Problems } from '../problems.ts'

/** Follows the numbers of one partition of blocks in log order: they count up by one. */
export class BlockOrder {
  readonly #name: string
  readonly #problems: Problems
  #lastSeq: number | null = null

  /** `name` is what a person calls the partition. */
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
