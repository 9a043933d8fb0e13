/** Requests with a body that may be under way at once. */
export const REQUESTS_MAX = 1_000

/** Bytes of their bodies, as received. */
export const REQUEST_BYTES_MAX = 128 * 1_048_576

/** What is under way, so that many clients at once meet an early 503 and not a process without memory. */
export class InFlight {
  #requests = 0
  #sizeBytes = 0

  /** Takes room for a request, or answers false. */
  enter(sizeBytes: number): boolean {
    if (this.#requests >= REQUESTS_MAX || this.#sizeBytes + sizeBytes > REQUEST_BYTES_MAX) return false
    this.#requests += 1
    this.#sizeBytes += sizeBytes
    return true
  }

  leave(sizeBytes: number): void {
    this.#requests -= 1
    this.#sizeBytes -= sizeBytes
  }
}
