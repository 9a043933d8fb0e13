import type { Clock } from '../clock.ts'
import { UNPACKED_BYTES_MAX } from './kafkajs/codecs.ts'
import { MIB } from '../../schemas/units.ts'

/** Most bytes that all fetches of a process may hold unpacked at once. */
export const UNPACKED_TOTAL_BYTES_MAX = 256 * MIB

/** Bytes of a batch while it is unpacked: its pieces, and the whole that they are joined to. */
export const UNPACKING_BYTES = 2 * UNPACKED_BYTES_MAX

/**
 * How long a fetch waits for room. After that it continues anyway: a handler that waits for another consumer's fetch (a
 * restore) would otherwise hold the room that this one needs for ever.
 */
const ROOM_PATIENCE_MS = 5_000

interface Waiting {
  readonly bytes: number
  isIn: boolean
  readonly go: () => void
}

/** The room that a process has for unpacked batches: a fetch that finds none waits its turn. */
export class UnpackRoom {
  readonly #clock: Clock
  readonly #waiting: Waiting[] = []
  #takenBytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get takenBytes(): number {
    return this.#takenBytes
  }

  /** Resolves when there is room for this many bytes, which are then taken. */
  async take(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.hasRoom(bytes)) {
      this.add(bytes)
      return
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiting: Waiting = { bytes, isIn: false, go: resolve }
    this.#waiting.push(waiting)
    const over = new AbortController()
    await Promise.race([promise, this.#clock.delay(ROOM_PATIENCE_MS, over.signal)])
    over.abort()
    if (!waiting.isIn) this.#letIn(waiting)
  }

  /** Takes room without waiting, for bytes that are in memory already. */
  add(bytes: number): void {
    this.#takenBytes += bytes
  }

  give(bytes: number): void {
    this.#takenBytes -= bytes
    for (;;) {
      const [next] = this.#waiting
      if (next === undefined || !this.hasRoom(next.bytes)) return
      this.#letIn(next)
    }
  }

  hasRoom(bytes: number): boolean {
    return this.#takenBytes + bytes <= UNPACKED_TOTAL_BYTES_MAX
  }

  #letIn(waiting: Waiting): void {
    this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
    this.#takenBytes += waiting.bytes
    waiting.isIn = true
    waiting.go()
  }
}

/** What one fetch holds of the room until all of its records are handled. */
export class FetchHolding {
  readonly #room: UnpackRoom
  #bytes = 0

  constructor(room: UnpackRoom) {
    this.#room = room
  }

  /** True: what follows is left to the next fetch. Each fetch unpacks at least one batch, and more while there is room. */
  get isFull(): boolean {
    return this.#bytes >= UNPACKED_BYTES_MAX && !this.#room.hasRoom(UNPACKING_BYTES)
  }

  /** Waits for room to unpack one batch; `unpackedTo` must follow. */
  async beginUnpacking(): Promise<void> {
    await this.#room.take(UNPACKING_BYTES)
  }

  /** The batch was unpacked to this many bytes; 0 where it could not be. */
  unpackedTo(bytes: number): void {
    this.#bytes += bytes
    this.#room.give(UNPACKING_BYTES - bytes)
  }

  /** Takes this many bytes without waiting: they are in memory already. */
  hold(bytes: number): void {
    this.#bytes += bytes
    this.#room.add(bytes)
  }

  /** All records are handled, or will not be. */
  release(): void {
    this.#room.give(this.#bytes)
    this.#bytes = 0
  }
}
