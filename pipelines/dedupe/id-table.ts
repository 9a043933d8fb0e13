/** Words of one entry: four for the identity, two for the content. */
export const ENTRY_WORDS = 6
export const ENTRY_BYTES = ENTRY_WORDS * 4

/** A slot holds the first word of the identity, and the entry's number + 1 (0: free). */
const SLOT_WORDS = 2
const NUMBER = 1

const INITIAL_SLOTS = 16_384

/** The index grows before it is fuller than this, so that linear probing stays short. */
const LOAD_MAX = 0.7

/** Entries in one chunk of the log. */
const CHUNK_SHIFT = 12
const CHUNK_ENTRIES = 1 << CHUNK_SHIFT

/** Entries are numbered modulo this. It is far more than a process holds, so that no two held entries share a number. */
const NUMBERS = 2 ** 30

export type Seen = 'new' | 'repeat' | 'conflict'

/**
 * The ids of one partition: their entries in the order of acceptance, and an open-addressing index over them. The garbage
 * collector has nothing to walk. Growing moves 8 bytes for each slot and never an entry, and what leaves is always the
 * oldest, as whole chunks. Compared with a single table of entries, an event of the aggregator costs 0.25 µs less (2.15
 * against 2.40 µs, medians of 4 runs in turns) and 2 million ids take 70 MB less.
 */
export class IdTable {
  #index = new Int32Array(INITIAL_SLOTS * SLOT_WORDS)
  #slots = INITIAL_SLOTS
  /** Chunks of the log: number `n` is in chunk `(n >> CHUNK_SHIFT) % #chunks.length`, a power of two. */
  #chunks: (Int32Array | undefined)[] = [undefined]
  /** Number of the oldest entry held, and the number of entries held. */
  #oldest = 0
  #size = 0
  #touched = 0

  get size(): number {
    return this.#size
  }

  /** What `touch` read last; it has no meaning. */
  get touched(): number {
    return this.#touched
  }

  /**
   * Reads the home places of `count` entries directly one after the other: the processor then fetches them in parallel,
   * where look-ups would wait for each one in turn. The sum is kept so that the reads are not optimised away.
   */
  touch(entries: Int32Array, count: number): void {
    const index = this.#index
    const mask = this.#slots - 1
    let sum = 0
    for (let at = 0; at < count * ENTRY_WORDS; at += ENTRY_WORDS) {
      sum ^= index[((entries[at] as number) & mask) * SLOT_WORDS] as number
    }
    this.#touched = sum
  }

  /** Whether the id in `entry[from, from + 4)` is held, and with which content. Adds nothing. */
  find(entry: Int32Array, from = 0): Seen {
    return this.#seen(this.#placeOf(entry, from), entry, from)
  }

  /** Adds `entry[from, from + 6)` as the newest if its id is new; otherwise returns what is held. */
  add(entry: Int32Array, from = 0): Seen {
    if (this.#size + 1 > this.#slots * LOAD_MAX) this.#grow()
    const place = this.#placeOf(entry, from)
    const seen = this.#seen(place, entry, from)
    if (seen !== 'new') return seen
    const number = (this.#oldest + this.#size) % NUMBERS
    const chunk = this.#chunkForNew(number)
    const at = (number & (CHUNK_ENTRIES - 1)) * ENTRY_WORDS
    for (let word = 0; word < ENTRY_WORDS; word++) chunk[at + word] = entry[from + word] as number
    this.#index[place] = entry[from] as number
    this.#index[place + NUMBER] = number + 1
    this.#size++
    return 'new'
  }

  /** The entries of the newest `count` ids without the newest `skip`, oldest first, as a copy. */
  newest(count: number, skip: number): Buffer {
    const bytes = Buffer.allocUnsafe((count - skip) * ENTRY_BYTES)
    let number = this.#oldest + this.#size - count
    for (let to = 0; to < bytes.length; ) {
      const chunk = this.#chunkOf(number % NUMBERS)
      const from = (number & (CHUNK_ENTRIES - 1)) * ENTRY_BYTES
      const length = Math.min(bytes.length - to, CHUNK_ENTRIES * ENTRY_BYTES - from)
      Buffer.from(chunk.buffer, from, length).copy(bytes, to)
      to += length
      number += length / ENTRY_BYTES
    }
    return bytes
  }

  /** Forgets the oldest `count` ids. */
  removeOldest(count: number): void {
    for (let removed = 0; removed < count; removed++) {
      const number = this.#oldest
      const chunk = this.#chunkOf(number)
      this.#removeFromIndex(chunk[(number & (CHUNK_ENTRIES - 1)) * ENTRY_WORDS] as number, number + 1)
      this.#oldest = (number + 1) % NUMBERS
      this.#size--
      if ((this.#oldest & (CHUNK_ENTRIES - 1)) === 0) this.#chunks[this.#chunkIndex(number)] = undefined
    }
  }

  /** The place of the id in the index, or the free place that it would take. */
  #placeOf(entry: Int32Array, from: number): number {
    const index = this.#index
    const mask = this.#slots - 1
    const first = entry[from] as number
    for (let slot = first & mask; ; slot = (slot + 1) & mask) {
      const place = slot * SLOT_WORDS
      const number = index[place + NUMBER] as number
      if (number === 0) return place
      if (index[place] === first && this.#isSame(number - 1, entry, from)) return place
    }
  }

  #isSame(number: number, entry: Int32Array, from: number): boolean {
    const chunk = this.#chunkOf(number)
    const at = (number & (CHUNK_ENTRIES - 1)) * ENTRY_WORDS
    return (
      chunk[at + 1] === entry[from + 1] &&
      chunk[at + 2] === entry[from + 2] &&
      chunk[at + 3] === entry[from + 3]
    )
  }

  #seen(place: number, entry: Int32Array, from: number): Seen {
    const number = this.#index[place + NUMBER] as number
    if (number === 0) return 'new'
    const chunk = this.#chunkOf(number - 1)
    const at = ((number - 1) & (CHUNK_ENTRIES - 1)) * ENTRY_WORDS
    const isSame = chunk[at + 4] === entry[from + 4] && chunk[at + 5] === entry[from + 5]
    return isSame ? 'repeat' : 'conflict'
  }

  #chunkIndex(number: number): number {
    return (number >>> CHUNK_SHIFT) & (this.#chunks.length - 1)
  }

  /** The chunk of an entry that is held. */
  #chunkOf(number: number): Int32Array {
    return this.#chunks[this.#chunkIndex(number)] as Int32Array
  }

  /** The chunk that takes a new entry; created with its first one. */
  #chunkForNew(number: number): Int32Array {
    const known = this.#chunks[this.#chunkIndex(number)]
    const isFirst = (number & (CHUNK_ENTRIES - 1)) === 0
    if (known !== undefined && !isFirst) return known
    // Another entry occupies the place of a first entry where the log has gone once around the ring: the ring is full.
    if (known !== undefined) this.#growRing()
    const chunk = new Int32Array(CHUNK_ENTRIES * ENTRY_WORDS)
    this.#chunks[this.#chunkIndex(number)] = chunk
    return chunk
  }

  #growRing(): void {
    const from = this.#chunks
    this.#chunks = Array.from({ length: from.length * 2 })
    const oldestChunk = this.#oldest >>> CHUNK_SHIFT
    for (let nth = 0; nth < from.length; nth++) {
      const chunk = oldestChunk + nth
      this.#chunks[chunk & (this.#chunks.length - 1)] = from[chunk & (from.length - 1)]
    }
  }

  /** Backward shift: slots behind the hole move up, so that no tombstones lengthen the probes. */
  #removeFromIndex(first: number, stored: number): void {
    const index = this.#index
    const mask = this.#slots - 1
    let hole = first & mask
    while (index[hole * SLOT_WORDS + NUMBER] !== stored) hole = (hole + 1) & mask
    for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
      const place = slot * SLOT_WORDS
      const number = index[place + NUMBER] as number
      if (number === 0) break
      const home = (index[place] as number) & mask
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      index[hole * SLOT_WORDS] = index[place] as number
      index[hole * SLOT_WORDS + NUMBER] = number
      hole = slot
    }
    index[hole * SLOT_WORDS + NUMBER] = 0
  }

  #grow(): void {
    const from = this.#index
    const slots = this.#slots * 2
    const mask = slots - 1
    const index = new Int32Array(slots * SLOT_WORDS)
    for (let at = 0; at < from.length; at += SLOT_WORDS) {
      const number = from[at + NUMBER] as number
      if (number === 0) continue
      const first = from[at] as number
      let place = (first & mask) * SLOT_WORDS
      while (index[place + NUMBER] !== 0) place = (((place >>> 1) + 1) & mask) * SLOT_WORDS
      index[place] = first
      index[place + NUMBER] = number
    }
    this.#index = index
    this.#slots = slots
  }
}
