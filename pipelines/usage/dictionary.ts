import { RowWriter, viewOf } from '../../schemas/rowbinary.ts'

/** Entries before a dictionary is to be emptied between batches: strings come from outside. */
export const DICTIONARY_ENTRIES_MAX = 250_000

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/**
 * Numbers byte strings: equal bytes, equal number, counted from 0. Looks up without making a string, so that an event
 * costs no allocation for the node and model that the batch has seen before.
 */
export class Dictionary {
  #slots = new Int32Array(1_024).fill(-1)
  #hashes: number[] = []
  #entries: Buffer[] = []
  #texts: (string | undefined)[] = []
  #columns: (DataView | undefined)[] = []

  get size(): number {
    return this.#entries.length
  }

  /**
   * The number of `source[start, end)`, which is added where it is new. `guess` is a number that it may well be (-1 for
   * none): comparing with one entry costs a third of hashing.
   */
  number(source: Buffer, start: number, end: number, guess = -1): number {
    if (guess >= 0 && equal(this.#entries[guess] as Buffer, source, start, end)) return guess
    const hash = hashOf(source, start, end)
    const mask = this.#slots.length - 1
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] as number
      if (entry < 0) return this.#add(slot, hash, Buffer.from(source.subarray(start, end)))
      if (this.#hashes[entry] === hash && equal(this.#entries[entry] as Buffer, source, start, end))
        return entry
    }
  }

  /** The bytes of an entry. */
  bytes(entry: number): Buffer {
    return this.#entries[entry] as Buffer
  }

  /** The entry as text; its bytes were checked to be UTF-8 by whoever asks. */
  text(entry: number): string {
    return (this.#texts[entry] ??= (this.#entries[entry] as Buffer).toString('utf8'))
  }

  /** The entry as a String column of RowBinary. */
  column(entry: number): DataView {
    let column = this.#columns[entry]
    if (column === undefined) {
      const bytes = this.#entries[entry] as Buffer
      const writer = new RowWriter(bytes.length + 8)
      writer.stringBytes(bytes, 0, bytes.length)
      column = viewOf(writer.take())
      this.#columns[entry] = column
    }
    return column
  }

  /** Forgets everything; numbers given before mean nothing afterwards. */
  clear(): void {
    this.#slots = new Int32Array(1_024).fill(-1)
    this.#hashes = []
    this.#entries = []
    this.#texts = []
    this.#columns = []
  }

  #add(slot: number, hash: number, bytes: Buffer): number {
    const entry = this.#entries.length
    this.#slots[slot] = entry
    this.#hashes.push(hash)
    this.#entries.push(bytes)
    this.#texts.push(undefined)
    this.#columns.push(undefined)
    if (this.#entries.length * 2 > this.#slots.length) this.#grow()
    return entry
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1)
    const mask = slots.length - 1
    for (const [entry, hash] of this.#hashes.entries()) {
      let slot = (hash ^ (hash >>> 15)) & mask
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask
      slots[slot] = entry
    }
    this.#slots = slots
  }
}

/** FNV-1a over words of four bytes, the rest by bytes. */
function hashOf(source: Buffer, start: number, end: number): number {
  let hash = FNV_OFFSET
  let at = start
  for (; at + 4 <= end; at += 4) {
    const word =
      (source[at] as number) |
      ((source[at + 1] as number) << 8) |
      ((source[at + 2] as number) << 16) |
      ((source[at + 3] as number) << 24)
    hash = Math.imul(hash ^ word, FNV_PRIME)
    hash ^= hash >>> 15
  }
  for (; at < end; at++) hash = Math.imul(hash ^ (source[at] as number), FNV_PRIME)
  return hash
}

function equal(entry: Buffer, source: Buffer, start: number, end: number): boolean {
  if (entry.length !== end - start) return false
  for (let at = 0; at < entry.length; at++) if (entry[at] !== source[start + at]) return false
  return true
}
