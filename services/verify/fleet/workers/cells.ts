import { SLOT, slotOf } from './reading.ts'
import { Sums } from './sums.ts'
import type { Came } from './worker-time.ts'

/** Late slots of a worker that wait; one more, and they leave before the full minute. */
const WAITING = 20

/** The rows of one worker and five minutes. */
export interface Cell {
  /** Rows of what settled in time, and of what came later. */
  rows: number
  lateRows: number
  readonly sums: Sums
}

const cellAt = (slot: number): number => Math.floor((slot * SLOT) / 300) * 300
export const minuteAt = (slot: number): number => Math.floor((slot * SLOT) / 60) * 60

/** What a slot adds to the rows; `isNew`: its commissioned seconds, too. */
export function addedBy(came: Came | null, isNew: boolean): Sums {
  const sums = new Sums()
  if (isNew) sums.add('commissioned_s', SLOT)
  if (came === null) return sums
  if (typeof came === 'string') sums.add(`${came}_s`, SLOT)
  else sums.take(slotOf(came.reading, came.isBridged))
  return sums
}

/** The rows of fleet_5m of one worker, as they leave. Times in seconds. */
export class Cells {
  /** What has left, by the begin of its five minutes. */
  readonly left = new Map<number, Cell>()
  readonly #collecting = new Map<number, Sums>()
  readonly #late = new Map<number, Sums>()
  #waiting = 0

  settled(slot: number, sums: Sums): void {
    const cell = cellAt(slot)
    const known = this.#collecting.get(cell) ?? new Sums()
    this.#collecting.set(cell, known)
    known.take(sums)
  }

  filled(slot: number, sums: Sums): void {
    if (this.#waiting >= WAITING) this.leaveLate()
    this.#waiting += 1
    const cell = cellAt(slot)
    const known = this.#late.get(cell) ?? new Sums()
    this.#late.set(cell, known)
    known.take(sums)
  }

  /** Cells that ended at or before this time leave. */
  leave(endS: number): void {
    for (const [cell, sums] of this.#collecting) {
      if (cell + 300 > endS) continue
      const left = this.#cell(cell)
      left.rows += 1
      left.sums.take(sums)
      this.#collecting.delete(cell)
    }
  }

  leaveLate(): void {
    for (const [cell, sums] of this.#late) {
      const left = this.#cell(cell)
      left.lateRows += 1
      left.sums.take(sums)
    }
    this.#late.clear()
    this.#waiting = 0
  }

  #cell(cell: number): Cell {
    const known = this.left.get(cell) ?? { rows: 0, lateRows: 0, sums: new Sums() }
    this.left.set(cell, known)
    return known
  }
}
