import { MIB } from '../../../schemas/units.ts'

/** What is kept of an account. */
export interface Kept {
  /** As the log has it. */
  readonly bytes: Buffer
  readonly version: number
  readonly partition: number
}

/** The size of entries is a multiple of this: an account that grows by a little stays where it is. */
const STEP_BYTES = 32

/** One allocation of the slab; a larger entry gets one of its own. */
const CHUNK_BYTES = MIB
const CHUNK_STEPS = CHUNK_BYTES / STEP_BYTES

/** The head before an account's bytes: their number, its partition, its version. */
const PARTITION_AT = 4
const VERSION_AT = 8
const HEAD_BYTES = 16

const stepsOf = (bytes: number): number => Math.ceil((HEAD_BYTES + bytes) / STEP_BYTES)

/**
 * Keeps many small accounts in few large buffers. The place of each is a small whole number. With one object for each
 * account, a million of them took 100 MB more, which the garbage collector had to traverse.
 */
export class AccountSlab {
  readonly #chunks: Buffer[] = []
  /** Places that were given back, by their number of steps. */
  readonly #free = new Map<number, number[]>()
  #chunk = -1
  #step = CHUNK_STEPS

  /** Keeps a copy and returns its place. */
  keep(kept: Kept): number {
    const steps = stepsOf(kept.bytes.length)
    const place = this.#free.get(steps)?.pop() ?? this.#take(steps)
    this.#put(place, kept)
    return place
  }

  /** Replaces an earlier version, which is gone then, and returns the place of the new one. */
  replace(place: number, kept: Kept): number {
    if (stepsOf(kept.bytes.length) !== stepsOf(this.#length(place))) {
      this.forget(place)
      return this.keep(kept)
    }
    this.#put(place, kept)
    return place
  }

  /** The bytes as they are now; they are not valid after the next `replace`. */
  bytes(place: number): Buffer {
    const from = at(place) + HEAD_BYTES
    return this.#chunkOf(place).subarray(from, from + this.#length(place))
  }

  version(place: number): number {
    return this.#chunkOf(place).readDoubleLE(at(place) + VERSION_AT)
  }

  partition(place: number): number {
    return this.#chunkOf(place).readUInt32LE(at(place) + PARTITION_AT)
  }

  /** Gives the place to a later account of about the same length. */
  forget(place: number): void {
    const steps = stepsOf(this.#length(place))
    const free = this.#free.get(steps)
    if (free === undefined) this.#free.set(steps, [place])
    else free.push(place)
  }

  #put(place: number, { bytes, version, partition }: Kept): void {
    const chunk = this.#chunkOf(place)
    chunk.writeUInt32LE(bytes.length, at(place))
    chunk.writeUInt32LE(partition, at(place) + PARTITION_AT)
    chunk.writeDoubleLE(version, at(place) + VERSION_AT)
    chunk.set(bytes, at(place) + HEAD_BYTES)
  }

  #length(place: number): number {
    return this.#chunkOf(place).readUInt32LE(at(place))
  }

  #chunkOf(place: number): Buffer {
    const chunk = this.#chunks[Math.floor(place / CHUNK_STEPS)]
    if (chunk === undefined) throw new Error(`The slab has no place ${place}.`)
    return chunk
  }

  #take(steps: number): number {
    if (steps > CHUNK_STEPS) {
      this.#chunks.push(Buffer.allocUnsafeSlow(steps * STEP_BYTES))
      return (this.#chunks.length - 1) * CHUNK_STEPS
    }
    if (this.#step + steps > CHUNK_STEPS) {
      this.#chunks.push(Buffer.allocUnsafeSlow(CHUNK_BYTES))
      this.#chunk = this.#chunks.length - 1
      this.#step = 0
    }
    const place = this.#chunk * CHUNK_STEPS + this.#step
    this.#step += steps
    return place
  }
}

/** Where in its chunk a place begins. */
function at(place: number): number {
  return (place % CHUNK_STEPS) * STEP_BYTES
}
