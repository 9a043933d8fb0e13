/** Bytes are kept in steps of this: an account that grows by a little stays where it is. */
const STEP_BYTES = 64

/** One allocation of the slab; an account larger than it gets one of its own. */
const CHUNK_BYTES = 1_048_576

const stepsOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / STEP_BYTES))

/** Where some bytes are kept. */
export interface Place {
  chunk: number
  at: number
  length: number
}

/**
 * Keeps many small values in few large buffers: a Buffer of its own for each is an allocation beside its bytes, and one more
 * thing that the garbage collector has to look at.
 */
export class AccountSlab {
  readonly #chunks: Buffer[] = []
  /** Places that were given back, by how many steps they have. */
  readonly #free = new Map<number, Place[]>()
  #chunk = -1
  #end = CHUNK_BYTES

  /** Keeps a copy of the bytes and says where. */
  keep(bytes: Buffer): Place {
    const steps = stepsOf(bytes.length)
    const place = this.#free.get(steps)?.pop() ?? this.#take(steps * STEP_BYTES)
    this.#put(place, bytes)
    return place
  }

  /** Puts other bytes in the place of earlier ones, which are gone; the place says where they are now. */
  replace(place: Place, bytes: Buffer): void {
    if (stepsOf(bytes.length) !== stepsOf(place.length)) {
      const { chunk, at, length } = place
      this.forget({ chunk, at, length })
      Object.assign(place, this.keep(bytes))
    } else {
      this.#put(place, bytes)
    }
  }

  /** The bytes as they are now; not to be held beyond the next `replace`. */
  read({ chunk, at, length }: Place): Buffer {
    const bytes = this.#chunks[chunk]
    if (bytes === undefined) throw new Error(`The slab has no chunk ${chunk}.`)
    return bytes.subarray(at, at + length)
  }

  /** Gives the place to later bytes of about the same length. */
  forget(place: Place): void {
    const steps = stepsOf(place.length)
    const free = this.#free.get(steps)
    if (free === undefined) this.#free.set(steps, [place])
    else free.push(place)
  }

  #put(place: Place, bytes: Buffer): void {
    this.#chunks[place.chunk]?.set(bytes, place.at)
    place.length = bytes.length
  }

  #take(bytes: number): Place {
    if (bytes > CHUNK_BYTES) {
      this.#chunks.push(Buffer.allocUnsafeSlow(bytes))
      return { chunk: this.#chunks.length - 1, at: 0, length: bytes }
    }
    if (this.#end + bytes > CHUNK_BYTES) {
      this.#chunks.push(Buffer.allocUnsafeSlow(CHUNK_BYTES))
      this.#chunk = this.#chunks.length - 1
      this.#end = 0
    }
    const place = { chunk: this.#chunk, at: this.#end, length: bytes }
    this.#end += bytes
    return place
  }
}
