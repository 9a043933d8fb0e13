import { SECOND_MS } from '../../../schemas/units.ts'

/** How many times faster than live a node may send what it could not send then. */
const REPLAY_TO_LIVE_MAX = 4
/** Seconds of budget that may come together while nothing is sent. */
const BURST_S = 10

/** How many items out of the spool may be sent by now: a bucket that fills at a rate, in items per second. Pure. */
export class ReplayBudget {
  readonly #ownRate: number
  #rate: number
  #items: number
  #atMs: number

  constructor(liveItemsPerS: number, nowMs: number) {
    this.#ownRate = Math.max(1, liveItemsPerS * REPLAY_TO_LIVE_MAX)
    this.#rate = this.#ownRate
    this.#items = 0
    this.#atMs = nowMs
  }

  /** What the gateway grants, in items per second; null where it says nothing. Never more than the node's own bound. */
  grant(itemsPerS: number | null): void {
    this.#rate = itemsPerS === null ? this.#ownRate : Math.max(0, Math.min(this.#ownRate, itemsPerS))
  }

  available(nowMs: number): number {
    const grown = this.#items + ((nowMs - this.#atMs) / SECOND_MS) * this.#rate
    this.#items = Math.min(this.#rate * BURST_S, grown)
    this.#atMs = nowMs
    return Math.floor(this.#items)
  }

  spend(items: number): void {
    this.#items -= items
  }
}
