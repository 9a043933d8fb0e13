import type { Mark, Span } from '../../../schemas/fleet/records.ts'
import { countIn, merged, withoutRange, withRange } from './ranges.ts'
import type { Range } from './ranges.ts'

/** A run of items in one file of the spool. */
export interface Block extends Range {
  readonly file: string
  readonly epoch: number
  readonly sizeBytes: number
  /** `[from, to)`, UTC, of the items' times; null while they wait for their time. */
  readonly times: Span | null
}

/** A run of numbers that can be read at once: all of it is in one file, whatever that is called by then. */
export interface Run extends Range {
  readonly epoch: number
}

/** What a release has changed: how many of the numbers were held, and which files are done by it. */
export interface Released {
  readonly items: number
  readonly files: readonly string[]
}

/**
 * What the spool holds and where, by number: pure, and in memory as long as the process lives. A number is held from when it is on
 * the disk until it is acknowledged, refused or lost. A file is done when nothing of it is held.
 */
export class SpoolIndex {
  /** Oldest first. */
  #blocks: Block[] = []
  readonly #held = new Map<number, Range[]>()

  get blocks(): readonly Block[] {
    return this.#blocks
  }

  /** Of all files that are held. */
  get sizeBytes(): number {
    return this.#blocks.reduce((size, block) => size + block.sizeBytes, 0)
  }

  get heldItems(): number {
    let items = 0
    for (const ranges of this.#held.values()) for (const { from, to } of ranges) items += to - from
    return items
  }

  /** A block's items are held from now on. */
  add(block: Block): void {
    let at = this.#blocks.length
    while (at > 0 && isBefore(block, this.#blocks[at - 1] as Block)) at -= 1
    this.#blocks.splice(at, 0, block)
    this.#held.set(block.epoch, withRange(this.#held.get(block.epoch) ?? [], block))
  }

  /** Other blocks take the place of those of a file; what is held stays as it is. */
  replace(file: string, blocks: readonly Block[]): void {
    this.#blocks = this.#blocks.filter((block) => block.file !== file)
    for (const block of blocks) {
      if (!this.#isHeld(block)) continue
      let at = this.#blocks.length
      while (at > 0 && isBefore(block, this.#blocks[at - 1] as Block)) at -= 1
      this.#blocks.splice(at, 0, block)
    }
  }

  /** These numbers are not held any more. */
  release(epoch: number, range: Range): Released {
    const held = this.#held.get(epoch) ?? []
    const items = countIn(held, range)
    const left = withoutRange(held, range)
    if (left.length === 0) this.#held.delete(epoch)
    else this.#held.set(epoch, left)
    const done = this.#blocks.filter(
      (block) =>
        block.epoch === epoch && block.to > range.from && block.from < range.to && !this.#isHeld(block),
    )
    this.#blocks = this.#blocks.filter((block) => !done.includes(block))
    const files = new Set(done.map(({ file }) => file))
    return { items, files: [...files].filter((file) => !this.has(file)) }
  }

  /** The block in which a number stands that is held; undefined where none is. */
  blockOf(epoch: number, seq: number): Block | undefined {
    return this.#blocks.find((block) => block.epoch === epoch && block.from <= seq && block.to > seq)
  }

  /** Nothing of a file is held any more; how many items were, and when they were observed. */
  releaseFile(file: string): { readonly items: number; readonly times: readonly (Span | null)[] } {
    const blocks = this.#blocks.filter((block) => block.file === file)
    let items = 0
    for (const block of blocks) items += this.release(block.epoch, block).items
    return { items, times: blocks.map(({ times }) => times) }
  }

  has(file: string): boolean {
    return this.#blocks.some((block) => block.file === file)
  }

  /** The oldest number that is held; null where none is. */
  low(): Mark | null {
    const epoch = Math.min(...this.#held.keys())
    const seq = this.#held.get(epoch)?.[0]?.from
    return seq === undefined ? null : { epoch, seq }
  }

  /** The oldest run of held numbers that have their time, of at most `itemsMax`, among those below a mark. */
  oldestRun(below: Mark, itemsMax: number): Run | null {
    for (const block of this.#blocks) {
      if (block.epoch > below.epoch || (block.epoch === below.epoch && block.from >= below.seq)) return null
      const end = block.epoch === below.epoch ? Math.min(block.to, below.seq) : block.to
      const run = block.times === null ? null : this.#runIn(block, { from: block.from, to: end }, itemsMax)
      if (run !== null) return run
    }
    return null
  }

  /** The run of held numbers that have their time, of at most `itemsMax`, that begins at or after a mark. */
  runFrom({ epoch, seq }: Mark, itemsMax: number): Run | null {
    for (let at = this.#firstFrom(epoch, seq); at < this.#blocks.length; at += 1) {
      const block = this.#blocks[at] as Block
      const range = { from: Math.max(block.from, block.epoch === epoch ? seq : 0), to: block.to }
      const run = block.times === null ? null : this.#runIn(block, range, itemsMax)
      if (run !== null) return run
    }
    return null
  }

  /** When held items were observed, give or take `padMs`; this says nothing of those that wait for their time. */
  heldTimes(padMs: number): Span[] {
    const spans = this.#blocks.flatMap(({ times }) => (times === null ? [] : [times]))
    return merged(spans.map(({ from, to }) => ({ from: from - padMs, to: to + padMs })))
  }

  /** From the end: what is looked for is among the newest. */
  #firstFrom(epoch: number, seq: number): number {
    let at = this.#blocks.length
    for (; at > 0; at -= 1) {
      const before = this.#blocks[at - 1] as Block
      if (before.epoch < epoch || (before.epoch === epoch && before.to <= seq)) break
    }
    return at
  }

  #runIn(block: Block, { from, to }: Range, itemsMax: number): Run | null {
    for (const held of this.#held.get(block.epoch) ?? []) {
      const begin = Math.max(held.from, from)
      const end = Math.min(held.to, to, begin + itemsMax)
      if (begin < end) return { epoch: block.epoch, from: begin, to: end }
    }
    return null
  }

  #isHeld(block: Block): boolean {
    return countIn(this.#held.get(block.epoch) ?? [], block) > 0
  }
}

function isBefore(left: Block, right: Block): boolean {
  return left.epoch < right.epoch || (left.epoch === right.epoch && left.from < right.from)
}
