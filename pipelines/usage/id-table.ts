/** Words of one entry: four of the identity, two of the content. */
export const ENTRY_WORDS = 6
export const ENTRY_BYTES = ENTRY_WORDS * 4

/** A slot: six words of the entry and its tag, side by side. One miss a look-up instead of two. */
const SLOT_WORDS = 7
const TAG = 6

const INITIAL_SLOTS = 65_536

/** Grown before it is fuller than this: linear probing stays short. */
const LOAD_MAX = 0.7

export type Seen = 'new' | 'repeat' | 'conflict'

/**
 * The ids of one partition: an open-addressing table over typed arrays, 28 bytes a slot, nothing for the garbage
 * collector to walk. Each entry carries the tag of its bucket (1 and up), by which it leaves again.
 */
export class IdTable {
  #words = new Uint32Array(INITIAL_SLOTS * SLOT_WORDS)
  #slots = INITIAL_SLOTS
  #size = 0
  #touched = 0

  get size(): number {
    return this.#size
  }

  /** What `touch` read last; means nothing. */
  get touched(): number {
    return this.#touched
  }

  /**
   * Reads the home places of `count` entries one right after the other: the processor fetches them side by side, where
   * look-ups would wait for each in turn. The sum is kept so that the reads are not optimised away.
   */
  touch(entries: Uint32Array, count: number): void {
    const words = this.#words
    const mask = this.#slots - 1
    let sum = 0
    for (let at = 0; at < count * ENTRY_WORDS; at += ENTRY_WORDS) {
      sum ^= words[((entries[at] as number) & mask) * SLOT_WORDS] as number
    }
    this.#touched = sum
  }

  /** Whether the id in `entry[from, from + 4)` is held, and with which content; adds nothing. */
  find(entry: Uint32Array, from = 0): Seen {
    const at = this.#placeOf(entry, from)
    if (this.#words[at + TAG] === 0) return 'new'
    return this.#sameContent(at, entry, from) ? 'repeat' : 'conflict'
  }

  /** Adds `entry[from, from + 6)` under `tag` where its id is new; otherwise says what is held. */
  add(entry: Uint32Array, tag: number, from = 0): Seen {
    if (this.#size + 1 > this.#slots * LOAD_MAX) this.#grow()
    const words = this.#words
    const at = this.#placeOf(entry, from)
    if (words[at + TAG] !== 0) return this.#sameContent(at, entry, from) ? 'repeat' : 'conflict'
    for (let word = 0; word < ENTRY_WORDS; word++) words[at + word] = entry[from + word] as number
    words[at + TAG] = tag
    this.#size++
    return 'new'
  }

  /** Removes the entries of `tag`, whose first identity words are `firsts[0, count)`. */
  removeTag(tag: number, firsts: Uint32Array, count: number): void {
    const words = this.#words
    const mask = this.#slots - 1
    for (let index = 0; index < count; index++) {
      const first = firsts[index] as number
      let slot = first & mask
      for (let at = slot * SLOT_WORDS; words[at + TAG] !== 0; at = slot * SLOT_WORDS) {
        if (words[at + TAG] === tag && words[at] === first) {
          this.#removeAt(slot)
          break
        }
        slot = (slot + 1) & mask
      }
    }
  }

  /** Where the id stands, or the free place that it would take. */
  #placeOf(entry: Uint32Array, from: number): number {
    const words = this.#words
    const mask = this.#slots - 1
    const first = entry[from] as number
    for (let slot = first & mask; ; slot = (slot + 1) & mask) {
      const at = slot * SLOT_WORDS
      if (words[at + TAG] === 0) return at
      if (
        words[at] === first &&
        words[at + 1] === entry[from + 1] &&
        words[at + 2] === entry[from + 2] &&
        words[at + 3] === entry[from + 3]
      ) {
        return at
      }
    }
  }

  #sameContent(at: number, entry: Uint32Array, from: number): boolean {
    return this.#words[at + 4] === entry[from + 4] && this.#words[at + 5] === entry[from + 5]
  }

  /** Backward shift: entries behind the hole move up, so that no tombstones lengthen the probes. */
  #removeAt(removed: number): void {
    const words = this.#words
    const mask = this.#slots - 1
    let hole = removed
    for (let slot = (hole + 1) & mask; words[slot * SLOT_WORDS + TAG] !== 0; slot = (slot + 1) & mask) {
      const home = (words[slot * SLOT_WORDS] as number) & mask
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      words.copyWithin(hole * SLOT_WORDS, slot * SLOT_WORDS, (slot + 1) * SLOT_WORDS)
      hole = slot
    }
    words[hole * SLOT_WORDS + TAG] = 0
    this.#size--
  }

  #grow(): void {
    const from = this.#words
    const slots = this.#slots * 2
    const mask = slots - 1
    const words = new Uint32Array(slots * SLOT_WORDS)
    for (let at = 0; at < from.length; at += SLOT_WORDS) {
      if (from[at + TAG] === 0) continue
      let slot = (from[at] as number) & mask
      while (words[slot * SLOT_WORDS + TAG] !== 0) slot = (slot + 1) & mask
      const to = slot * SLOT_WORDS
      for (let word = 0; word < SLOT_WORDS; word++) words[to + word] = from[at + word] as number
    }
    this.#words = words
    this.#slots = slots
  }
}
