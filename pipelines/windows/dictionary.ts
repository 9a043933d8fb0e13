import { viewOf } from '../../schemas/rowbinary.ts'

/** Number of entries from which a dictionary is to be emptied between batches: its strings come from outside. */
export const DICTIONARY_ENTRIES_MAX = 250_000

const ARENA_BYTES = 16_384

/** Bytes after the last entry that are read when it is copied by whole words. */
const WORD_SLACK_BYTES = 3

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/**
 * Numbers byte strings: equal bytes have equal numbers, counted from 0. It finds the number without creating a string, so
 * an event costs no allocation for a node and model that the batch has seen before.
 */
export class Dictionary {
  #slots = new Int32Array(1_024).fill(-1)
  #hashes = new Int32Array(1_024)
  /** The bytes of all entries, one after the other: a comparison reads one buffer, not one object for each entry. */
  #arena = Buffer.alloc(ARENA_BYTES)
  #view = viewOf(this.#arena)
  #starts = new Int32Array(1_024)
  #size = 0
  #texts: (string | undefined)[] = []

  get size(): number {
    return this.#size
  }

  /**
   * The number of `source[start, end)`, which is added where it is new. `guess` is a number that is likely the right one
   * (-1 for none): comparing with one entry costs a third of hashing.
   */
  number(source: DataView, start: number, end: number, guess = -1): number {
    if (guess >= 0 && this.#isEqual(guess, source, start, end)) return guess
    const hash = hashOf(source, start, end)
    const mask = this.#slots.length - 1
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] as number
      if (entry < 0) return this.#add(slot, hash, source, start, end)
      if (this.#hashes[entry] === hash && this.#isEqual(entry, source, start, end)) return entry
    }
  }

  /** The bytes of an entry; valid until the dictionary is cleared. */
  bytes(entry: number): Buffer {
    return this.#arena.subarray(this.#starts[entry], this.#starts[entry + 1])
  }

  /** The entry as text. The caller must have checked that its bytes are UTF-8. */
  text(entry: number): string {
    return (this.#texts[entry] ??= this.bytes(entry).toString('utf8'))
  }

  lengthOf(entry: number): number {
    return (this.#starts[entry + 1] as number) - (this.#starts[entry] as number)
  }

  /**
   * Copies the bytes of an entry to `at` by whole words, so up to three bytes after them are written too. Returns the
   * position after the entry.
   */
  copy(entry: number, to: DataView, at: number): number {
    const from = this.#starts[entry] as number
    const length = (this.#starts[entry + 1] as number) - from
    const view = this.#view
    for (let byte = 0; byte < length; byte += 4) to.setInt32(at + byte, view.getInt32(from + byte))
    return at + length
  }

  /** Forgets everything; earlier numbers mean nothing afterwards. */
  clear(): void {
    this.#slots = new Int32Array(1_024).fill(-1)
    this.#hashes = new Int32Array(1_024)
    this.#arena = Buffer.alloc(ARENA_BYTES)
    this.#view = viewOf(this.#arena)
    this.#starts = new Int32Array(1_024)
    this.#size = 0
    this.#texts = []
  }

  #isEqual(entry: number, source: DataView, start: number, end: number): boolean {
    const from = this.#starts[entry] as number
    if ((this.#starts[entry + 1] as number) - from !== end - start) return false
    const view = this.#view
    const shift = from - start
    let at = start
    for (; at + 4 <= end; at += 4) if (view.getInt32(at + shift) !== source.getInt32(at)) return false
    for (; at < end; at++) if (view.getUint8(at + shift) !== source.getUint8(at)) return false
    return true
  }

  #add(slot: number, hash: number, source: DataView, start: number, end: number): number {
    const entry = this.#size++
    if (entry + 2 > this.#starts.length) {
      this.#starts = grown(this.#starts)
      this.#hashes = grown(this.#hashes)
    }
    const from = this.#starts[entry] as number
    const to = from + end - start
    if (to + WORD_SLACK_BYTES > this.#arena.length) {
      const arena = Buffer.alloc(Math.max(this.#arena.length * 2, to + WORD_SLACK_BYTES))
      this.#arena.copy(arena, 0, 0, from)
      this.#arena = arena
      this.#view = viewOf(arena)
    }
    for (let at = start; at < end; at++) this.#arena[from + at - start] = source.getUint8(at)
    this.#starts[entry + 1] = to
    this.#hashes[entry] = hash
    this.#slots[slot] = entry
    this.#texts.push(undefined)
    if (this.#size * 2 > this.#slots.length) this.#grow()
    return entry
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1)
    const mask = slots.length - 1
    for (let entry = 0; entry < this.#size; entry++) {
      const hash = this.#hashes[entry] as number
      let slot = (hash ^ (hash >>> 15)) & mask
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask
      slots[slot] = entry
    }
    this.#slots = slots
  }
}

/** FNV-1a over words of four bytes; the remaining bytes are added one by one. */
function hashOf(source: DataView, start: number, end: number): number {
  let hash = FNV_OFFSET | 0
  let at = start
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(hash ^ source.getInt32(at, true), FNV_PRIME)
    hash ^= hash >>> 15
  }
  for (; at < end; at++) hash = Math.imul(hash ^ source.getUint8(at), FNV_PRIME)
  return hash
}

function grown(words: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(words.length * 2)
  larger.set(words)
  return larger
}
