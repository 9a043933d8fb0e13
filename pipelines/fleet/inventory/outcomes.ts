import { OUTCOMES_PER_PROVIDER_MAX } from '../../../schemas/fleet/inventory/bounds.ts'
import type { InventoryOutcome } from '../../../schemas/fleet/inventory/records.ts'
import { ownBytes } from '../../../schemas/own-bytes.ts'
import { MINUTE_MS } from '../../../schemas/units.ts'
import type { Gone } from './gone.ts'

/** The outcomes of commands by their keys in fleet.state: a repeat gets the same answer until log time passes `until`. */
export class InventoryOutcomes {
  readonly #kept = new Map<string, InventoryOutcome>()
  readonly #counted = new Map<string, number>()
  /** Keys by the minute of log time with which they go. */
  readonly #byMinute = new Map<number, Set<string>>()
  readonly #gone: Gone
  #minute = 0

  /** @param gone is told the keys whose records are to go too. */
  constructor(gone: Gone) {
    this.#gone = gone
  }

  get(key: string): InventoryOutcome | undefined {
    return this.#kept.get(key)
  }

  /** Whether a provider has as many outcomes as are kept. */
  isFull(providerId: string): boolean {
    return (this.#counted.get(providerId) ?? 0) >= OUTCOMES_PER_PROVIDER_MAX
  }

  set(providerId: string, key: string, outcome: InventoryOutcome): void {
    this.delete(key)
    this.#gone.cancel(key)
    this.#kept.set(key, { ...outcome, body_hash: ownBytes(outcome.body_hash) })
    if (outcome.is_counted) this.#count(providerId, 1)
    // What is over already goes with the next minute.
    const minute = Math.max(minuteOf(outcome.until), this.#minute) + 1
    const keys = this.#byMinute.get(minute)
    if (keys === undefined) this.#byMinute.set(minute, new Set([key]))
    else keys.add(key)
  }

  /** Forgets an outcome, as the state has. */
  delete(key: string): void {
    const outcome = this.#kept.get(key)
    if (outcome === undefined) return
    this.#kept.delete(key)
    if (outcome.is_counted) this.#count(providerOf(key), -1)
  }

  /** Forgets what is over at log time `nowMs`; it depends on log time alone, wherever transactions end. */
  forgetDue(nowMs: number): void {
    const minute = minuteOf(nowMs)
    if (minute <= this.#minute) return
    this.#minute = minute
    for (const [due, keys] of this.#byMinute) {
      if (due > minute) continue
      this.#byMinute.delete(due)
      for (const key of keys) {
        if (minuteOf(this.#kept.get(key)?.until ?? nowMs) >= minute) continue
        this.delete(key)
        this.#gone.add(key)
      }
    }
  }

  #count(providerId: string, by: number): void {
    const count = (this.#counted.get(providerId) ?? 0) + by
    if (count === 0) this.#counted.delete(providerId)
    else this.#counted.set(providerId, count)
  }
}

function minuteOf(atMs: number): number {
  return Math.floor(atMs / MINUTE_MS)
}

/** The provider in an outcome's key, `!cmd/<provider>/<command>`. */
function providerOf(key: string): string {
  return key.split('/')[1] ?? ''
}
