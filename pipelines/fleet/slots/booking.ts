import { isNothing } from './counters.ts'
import type { CounterDeltas } from './counters.ts'
import { leaveCell, leaveLate, leaveMinutes } from './leave.ts'
import type { Page } from './page.ts'
import { cellOf, OPEN_CELLS } from './page-state.ts'
import type { PageState } from './page-state.ts'
import { NOT_COMMISSIONED } from './placement.ts'
import type { SecondsKind } from './reading.ts'
import type { Readings } from './reading-columns.ts'
import { add } from './rows.ts'
import { MINUTE_SLOTS, SLOT_MS } from './slot.ts'
import { addCounters, addReading } from './sums.ts'
import type { SumColumns } from './sums.ts'

/** At most so many late slots of a worker wait for the next full minute; one more, and they leave before it. */
export const LATE_SLOTS_MAX = 20

/**
 * Sums of so many minutes and groups wait in a page for the next full minute; one more, and all leave before it. A node
 * that sends days at once would make the page larger than a record may be.
 */
export const MINUTE_ROWS_MAX = 1_024

/**
 * Where the contributions of one slot go: to a cell of its worker and to a minute of its group. It is aimed at a slot and
 * then written to, so that a slot costs no object.
 */
export class Booking {
  #cells: SumColumns
  #cell = 0
  #minutes: SumColumns
  #minute = 0

  constructor({ cells, minutes }: PageState) {
    this.#cells = cells
    this.#minutes = minutes.sums
  }

  /**
   * Aims at a slot of a worker. Its cell is the open one for the slot that settles now, and a late one for a slot that has
   * settled. False where the worker is not commissioned then: such time is in no sum.
   */
  aim(page: Page, worker: number, slot: number): boolean {
    const group = page.placement.groupAt(worker, slot * SLOT_MS)
    if (group === NOT_COMMISSIONED) return false
    const { minutes } = page
    if (minutes.count >= MINUTE_ROWS_MAX) leaveMinutes(page)
    this.#minute = minutes.rowOf(group, Math.floor(slot / MINUTE_SLOTS))
    this.#minutes = minutes.sums
    if (slot < (page.workers.open[worker] as number)) this.#aimLate(page, worker, slot)
    else this.#aimOpen(page, worker, slot)
    return true
  }

  #aimOpen(page: Page, worker: number, slot: number): void {
    const { cells } = page
    const cell = cellOf(slot)
    const row = worker * OPEN_CELLS + (cell % OPEN_CELLS)
    if (cells.cell[row] !== cell) {
      leaveCell(page, worker, row)
      cells.cell[row] = cell
    }
    this.#cells = cells
    this.#cell = row
  }

  #aimLate(page: Page, worker: number, slot: number): void {
    const { late, workers } = page
    if ((workers.waiting[worker] as number) >= LATE_SLOTS_MAX) leaveLate(page, worker)
    add(workers.waiting, worker, 1)
    this.#cell = late.rowOf(worker, cellOf(slot))
    this.#cells = late.sums
  }

  /** The slot is time in which the worker is commissioned. */
  commissioned(): void {
    add(this.#cells.commissioned, this.#cell, 1)
    add(this.#minutes.commissioned, this.#minute, 1)
  }

  /** The slot is a reading's. */
  reading(readings: Readings, row: number, isBridged: boolean): void {
    addReading(this.#cells, this.#cell, readings, row, isBridged)
    addReading(this.#minutes, this.#minute, readings, row, isBridged)
  }

  /** The slot has no reading, and it is known why. */
  without(seconds: Exclude<SecondsKind, 'hashing' | 'idle' | 'resting'>): void {
    add(this.#cells[seconds], this.#cell, 1)
    add(this.#minutes[seconds], this.#minute, 1)
  }

  /** What the counters of a reading in the slot add. */
  counters(deltas: CounterDeltas, isAcrossGap: boolean): void {
    if (isNothing(deltas)) return
    addCounters(this.#cells, this.#cell, deltas, isAcrossGap)
    addCounters(this.#minutes, this.#minute, deltas, isAcrossGap)
  }
}
