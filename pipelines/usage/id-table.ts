/** Words of one entry: four of the identity, two of the content. */
export const ENTRY_WORDS = 6
export const ENTRY_BYTES = ENTRY_WORDS * 4

const INITIAL_SLOTS = 4_096

/** Grown before it is fuller than this: linear probing stays short. */
const LOAD_MAX = 0.7

export type Seen = 'new' | 'repeat' | 'conflict'

/**
 * The ids of one partition: an open-addressing table over typed arrays, 28 bytes a slot, nothing for the garbage
 * collector to walk. Each entry carries the tag of its bucket (1 and up), by which it leaves again.
 */
export class IdTable {
  #words = new Uint32Array(INITIAL_SLOTS * ENTRY_WORDS)
  #tags = new Uint32Array(INITIAL_SLOTS)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Whether the id in `entry[0..3]` is held, and with which content; adds nothing. */
  find(entry: Uint32Array): Seen {
    const slot = this.#slotOf(entry)
    if (this.#tags[slot] === 0) return 'new'
    return this.#sameContent(slot, entry) ? 'repeat' : 'conflict'
  }

  /** Adds `entry` under `tag` where its id is new; otherwise says what is held. */
  add(entry: Uint32Array, tag: number): Seen {
    if (this.#size + 1 > this.#tags.length * LOAD_MAX) this.#grow()
    const slot = this.#slotOf(entry)
    if (this.#tags[slot] !== 0) return this.#sameContent(slot, entry) ? 'repeat' : 'conflict'
    this.#words.set(entry.length === ENTRY_WORDS ? entry : entry.subarray(0, ENTRY_WORDS), slot * ENTRY_WORDS)
    this.#tags[slot] = tag
    this.#size++
    return 'new'
  }

  /** Removes the entries of `tag`, whose first identity words are `firsts[0, count)`. */
  removeTag(tag: number, firsts: Uint32Array, count: number): void {
    const mask = this.#tags.length - 1
    for (let index = 0; index < count; index++) {
      const first = firsts[index] as number
      for (let slot = first & mask; this.#tags[slot] !== 0; slot = (slot + 1) & mask) {
        if (this.#tags[slot] === tag && this.#words[slot * ENTRY_WORDS] === first) {
          this.#removeAt(slot)
          break
        }
      }
    }
  }

  #slotOf(entry: Uint32Array): number {
    const words = this.#words
    const tags = this.#tags
    const mask = tags.length - 1
    const first = entry[0] as number
    let slot = first & mask
    while (tags[slot] !== 0) {
      const at = slot * ENTRY_WORDS
      if (
        words[at] === first &&
        words[at + 1] === entry[1] &&
        words[at + 2] === entry[2] &&
        words[at + 3] === entry[3]
      ) {
        return slot
      }
      slot = (slot + 1) & mask
    }
    return slot
  }

  #sameContent(slot: number, entry: Uint32Array): boolean {
    const at = slot * ENTRY_WORDS
    return this.#words[at + 4] === entry[4] && this.#words[at + 5] === entry[5]
  }

  /** Backward shift: entries behind the hole move up, so that no tombstones lengthen the probes. */
  #removeAt(removed: number): void {
    const words = this.#words
    const tags = this.#tags
    const mask = tags.length - 1
    let hole = removed
    for (let slot = (hole + 1) & mask; tags[slot] !== 0; slot = (slot + 1) & mask) {
      const home = (words[slot * ENTRY_WORDS] as number) & mask
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      words.copyWithin(hole * ENTRY_WORDS, slot * ENTRY_WORDS, (slot + 1) * ENTRY_WORDS)
      tags[hole] = tags[slot] as number
      hole = slot
    }
    tags[hole] = 0
    this.#size--
  }

  #grow(): void {
    const words = this.#words
    const tags = this.#tags
    const slots = tags.length * 2
    const mask = slots - 1
    this.#words = new Uint32Array(slots * ENTRY_WORDS)
    this.#tags = new Uint32Array(slots)
    for (let from = 0; from < tags.length; from++) {
      const tag = tags[from] as number
      if (tag === 0) continue
      let slot = (words[from * ENTRY_WORDS] as number) & mask
      while (this.#tags[slot] !== 0) slot = (slot + 1) & mask
      for (let word = 0; word < ENTRY_WORDS; word++) {
        this.#words[slot * ENTRY_WORDS + word] = words[from * ENTRY_WORDS + word] as number
      }
      this.#tags[slot] = tag
    }
  }
}
