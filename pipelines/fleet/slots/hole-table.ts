import { columnsOf } from '../pages/layout.ts'
import type { Columns } from '../pages/layout.ts'
import { READING } from './reading-columns.ts'
import type { Readings } from './reading-columns.ts'
import { clearRow, copyRow, withRoom } from './rows.ts'
import type { NumberFields } from './rows.ts'

/** A part of a worker's time of which nothing is known: the slots `[from, to)`, which settled with none. */
const HOLE = {
  worker: 'u8',
  from: 'u32',
  to: 'u32',
  /** The counters' deltas across it are not counted yet: its right edge is the slot `to`, and it is still open. */
  isPending: 'u8',
  /** Time before the worker was known: what fills a slot brings its commissioned seconds along. */
  isBefore: 'u8',
  /** The last failed poll before it, if it is newer than the left edge. */
  pollSlot: 'u32',
  poll: 'u32',
} as const satisfies NumberFields

/**
 * The holes of a page's workers, in no order: few workers have any. A hole's edges are the nearest readings that are known
 * before and behind it: the left one with the counters that it inherited, the right one as it came.
 */
export class HoleTable {
  columns: Columns<typeof HOLE> = columnsOf(HOLE, 0)
  left: Readings = columnsOf(READING, 0)
  right: Readings = columnsOf(READING, 0)
  count = 0

  /** A new hole, without edges. */
  add(worker: number, from: number, to: number): number {
    const hole = this.count
    this.reserve(hole + 1)
    this.count++
    clearRow(this.columns, hole)
    clearRow(this.left, hole)
    clearRow(this.right, hole)
    this.columns.worker[hole] = worker
    this.columns.from[hole] = from
    this.columns.to[hole] = to
    return hole
  }

  /** A new hole with the edges of another one. */
  addLike(hole: number, from: number, to: number): number {
    const added = this.add(this.columns.worker[hole] as number, from, to)
    copyRow(this.left, hole, this.left, added)
    copyRow(this.right, hole, this.right, added)
    for (const name of ['isPending', 'isBefore', 'pollSlot', 'poll'] as const) {
      this.columns[name][added] = this.columns[name][hole] as number
    }
    return added
  }

  /** Cuts off the beginning of a hole, before `to`: what waits to be counted across the hole waits behind it. */
  cutOff(hole: number, to: number): void {
    const from = this.columns.from[hole] as number
    if (from < to) {
      const before = this.addLike(hole, from, to)
      this.columns.isPending[before] = 0
    }
  }

  /** The holes of a worker; they keep their places until `sweep`. */
  of(worker: number): number[] {
    const holes: number[] = []
    for (let hole = 0; hole < this.count; hole++) {
      if (this.columns.worker[hole] === worker && !this.isClosed(hole)) holes.push(hole)
    }
    return holes
  }

  /** The hole of a worker that holds a slot, -1 if there is none. */
  at(worker: number, slot: number): number {
    const { worker: workers, from, to } = this.columns
    for (let hole = 0; hole < this.count; hole++) {
      if (workers[hole] !== worker) continue
      if ((from[hole] as number) <= slot && slot < (to[hole] as number)) return hole
    }
    return -1
  }

  close(hole: number): void {
    this.columns.to[hole] = this.columns.from[hole] as number
  }

  isClosed(hole: number): boolean {
    return this.columns.from[hole] === this.columns.to[hole]
  }

  slots(hole: number): number {
    return (this.columns.to[hole] as number) - (this.columns.from[hole] as number)
  }

  /** Takes the closed holes out. */
  sweep(): void {
    for (let hole = this.count - 1; hole >= 0; hole--) {
      if (!this.isClosed(hole)) continue
      const last = --this.count
      copyRow(this.columns, last, this.columns, hole)
      copyRow(this.left, last, this.left, hole)
      copyRow(this.right, last, this.right, hole)
    }
  }

  /** Makes room for so many holes. */
  reserve(rows: number): void {
    this.columns = withRoom(HOLE, this.columns, rows)
    this.left = withRoom(READING, this.left, rows)
    this.right = withRoom(READING, this.right, rows)
  }
}
