import type { FleetItem, Mark } from '../../../schemas/fleet/records.ts'
import type { NodeTime } from '../time/node-time.ts'
import { encodeItem, stamped } from './item-bytes.ts'
import type { Losses } from './losses.ts'
import type { Spool } from './spool.ts'

/** Items in memory that the disk has not taken yet. */
export const WAITING_ITEMS_MAX = 20_000

interface WaitingItem {
  readonly seq: number
  readonly item: FleetItem
  readonly bootMs: number
}

export interface OutboxParts {
  readonly epoch: number
  readonly spool: Spool
  readonly time: NodeTime
  readonly losses: Losses
}

/**
 * Gives each item its number, from 1 on in this process's own epoch, and brings it into the spool. No number is ever given to a
 * second item: one whose item is lost before the disk has it stays unused.
 */
export class Outbox {
  readonly #parts: OutboxParts
  #next = 1
  #waiting: WaitingItem[] = []
  #turn: Promise<void> = Promise.resolve()

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  /** The number that is given out next. */
  get next(): Mark {
    return { epoch: this.#parts.epoch, seq: this.#next }
  }

  get items(): number {
    return this.#next - 1
  }

  /** The oldest number that is in memory alone. */
  get oldestWaiting(): number | null {
    return this.#waiting[0]?.seq ?? null
  }

  /** When the oldest item was observed that is in memory alone. */
  get waitingSinceBootMs(): number | null {
    return this.#waiting.length === 0 ? null : Math.min(...this.#waiting.map(({ bootMs }) => bootMs))
  }

  /** An item of a machine that was asked at this moment since the boot. */
  add(item: FleetItem, bootMs: number): void {
    const seq = this.#next
    this.#next += 1
    if (this.#waiting.length < WAITING_ITEMS_MAX) {
      this.#waiting.push({ seq, item, bootMs })
      return
    }
    const { time, losses } = this.#parts
    const atMs = time.logTimeAt(bootMs)
    losses.lost('no_waiting', 1, [atMs === null ? null : { from: atMs, to: atMs + 1 }])
  }

  /** All that waits is in the spool afterwards, or counted as lost. One flush waits for the one before. */
  async flush(): Promise<void> {
    const mine = this.#turn.then(async () => await this.#flush())
    this.#turn = mine.catch(() => {})
    await mine
  }

  async #flush(): Promise<void> {
    const { epoch, spool, time } = this.#parts
    // A copy: more is added while the disk is at work.
    const items = [...this.#waiting]
    if (items.length === 0) return
    const isAnchored = time.isAnchored
    const numbered = items.map(({ seq, item, bootMs }) => {
      const atMs = time.logTimeAt(bootMs) ?? Math.max(0, Math.round(bootMs))
      return { seq, atMs, bytes: encodeItem(stamped(item, atMs)) }
    })
    const waits = isAnchored ? null : { bootId: time.bootId, wallOffsetMs: time.wallOffsetMs() }
    await spool.append(epoch, numbered, waits)
    // Only now: until then they are in memory alone.
    this.#waiting = this.#waiting.slice(items.length)
  }
}
