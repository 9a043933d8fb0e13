import type { Readable } from 'node:stream'
import type { Clock } from '../../pipelines/clock.ts'
import { Problem } from './problem.ts'
import { unavailable } from './refusal.ts'
import { RETRY_BUSY_S } from './retry-after.ts'
import { KIB, SECOND_MS } from '../../schemas/units.ts'

/** Longest silence in the middle of a body. */
export const SILENCE_MS_MAX = 3_000

/** Time at the start of a body in which its rate is not checked: a client may be slow to begin. */
export const ARRIVAL_GRACE_MS = 3_000

/** Bytes of a body that must arrive in each second after that, on average. */
export const ARRIVAL_BYTES_PER_SECOND_MIN = 8_192

/** How often bodies are checked, so that the two bounds above are kept to this precision. */
export const ARRIVAL_CHECK_MS = 500

/** Bytes of room that a body has at first, where it comes in more than one piece. */
const FIRST_ROOM_BYTES = 64 * KIB

/** How far a body has come. */
export interface Arrival {
  readonly startedMs: number
  readonly lastMs: number
  readonly sizeBytes: number
}

/** Whether a body comes so slowly that its client may be told to send it again: it holds room that others could use. */
export function isTooSlow({ startedMs, lastMs, sizeBytes }: Arrival, nowMs: number): boolean {
  if (nowMs - lastMs > SILENCE_MS_MAX) return true
  const measuredMs = nowMs - startedMs - ARRIVAL_GRACE_MS
  return sizeBytes < (measuredMs * ARRIVAL_BYTES_PER_SECOND_MIN) / SECOND_MS
}

/** The conditions that one body must meet. */
export interface BodyTerms {
  readonly sizeBytesMax: number
  /** The size that the head of the request announces; null where it announces none. */
  readonly announcedBytes: number | null
  /** Takes room for bytes that have arrived; false where there is none. */
  charge(sizeBytes: number): boolean
}

interface Open extends Arrival {
  lastMs: number
  sizeBytes: number
  refuse(problem: Problem): void
}

/** Reads bodies as they arrive and charges what has arrived; ends those that stall. */
export class Arrivals {
  readonly #clock: Clock
  readonly #closing: AbortSignal
  readonly #open = new Set<Open>()
  #isWatching = false

  /** `closing` ends the watch with its server. */
  constructor(clock: Clock, closing: AbortSignal) {
    this.#clock = clock
    this.#closing = closing
  }

  /**
   * Reads the whole body. Rejects with a Problem: 413 for a body that is too large, 503 where there is no room for what
   * came, 408 for one that comes too slowly. The bytes that were read until then are released at once, and the rest is
   * thrown away as it arrives.
   */
  async read(body: Readable, terms: BodyTerms): Promise<Buffer> {
    if ((terms.announcedBytes ?? 0) > terms.sizeBytesMax) throw bodyTooLarge(terms.sizeBytesMax)
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    const nowMs = this.#clock.monotonicMs()
    let bytes = Buffer.alloc(0)
    const open: Open = { startedMs: nowMs, lastMs: nowMs, sizeBytes: 0, refuse: (problem) => fail(problem) }
    const leave = (): void => {
      body.off('data', onData).off('end', onEnd).off('error', fail).off('close', onClose)
      this.#open.delete(open)
    }
    const fail = (error: Error): void => {
      leave()
      bytes = Buffer.alloc(0)
      body.resume()
      reject(error)
    }
    const onData = (chunk: Buffer): void => {
      const sizeBytes = open.sizeBytes + chunk.length
      if (sizeBytes > terms.sizeBytesMax) return fail(bodyTooLarge(terms.sizeBytesMax))
      if (!terms.charge(chunk.length)) return fail(noRoom())
      bytes = appended(bytes, open.sizeBytes, chunk, terms)
      open.sizeBytes = sizeBytes
      open.lastMs = this.#clock.monotonicMs()
    }
    const onEnd = (): void => {
      leave()
      resolve(bytes.subarray(0, open.sizeBytes))
    }
    const onClose = (): void => fail(new Problem('unreadable_body', 'The body ended before its end.'))
    body.on('data', onData).on('end', onEnd).on('error', fail).on('close', onClose)
    this.#open.add(open)
    this.#watch()
    return await promise
  }

  #watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    void this.#watchUntilNoneIsOpen()
  }

  async #watchUntilNoneIsOpen(): Promise<void> {
    while (this.#open.size > 0 && !this.#closing.aborted) {
      await this.#clock.delay(ARRIVAL_CHECK_MS, this.#closing)
      const nowMs = this.#clock.monotonicMs()
      for (const open of this.#open) if (isTooSlow(open, nowMs)) open.refuse(tooSlow())
    }
    this.#isWatching = false
  }
}

/** The room grows with the bytes that came, and is never more than twice of them, however small the pieces are. */
function appended(bytes: Buffer, sizeBytes: number, chunk: Buffer, terms: BodyTerms): Buffer<ArrayBuffer> {
  const needed = sizeBytes + chunk.length
  let room = bytes as Buffer<ArrayBuffer>
  if (needed > bytes.length) {
    const most = terms.announcedBytes ?? terms.sizeBytesMax
    const doubled = Math.max(FIRST_ROOM_BYTES, 2 * needed)
    room = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(doubled, most)))
    bytes.copy(room, 0, 0, sizeBytes)
  }
  chunk.copy(room, sizeBytes)
  return room
}

/** The body is larger than the route takes, packed or unpacked. */
export function bodyTooLarge(sizeBytesMax: number): Problem {
  return new Problem(
    'body_too_large',
    `A body has at most ${sizeBytesMax} bytes here, also after unpacking. Send it in several requests.`,
  )
}

/** More bytes are under way than this server holds, or than one credential may have of them. */
export function noRoom(): Problem {
  return unavailable(
    'overloaded',
    'More is under way than this server holds for one credential; nothing of this request was taken. Send it again.',
    RETRY_BUSY_S,
  )
}

function tooSlow(): Problem {
  return new Problem(
    'body_too_slow',
    `The body stalled: at most ${SILENCE_MS_MAX / SECOND_MS} s of silence, and ${ARRIVAL_BYTES_PER_SECOND_MIN} bytes a second. Nothing of it was taken. Send it again.`,
    {},
    { connection: 'close' },
  )
}
