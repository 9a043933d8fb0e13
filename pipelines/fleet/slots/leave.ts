import { PAGE_WORKERS } from '../pages/layout.ts'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'
import { contributionsOf } from './contributions.ts'
import type { Page } from './page.ts'
import { delayOf, OPEN_CELLS } from './page-state.ts'
import { clearRow } from './rows.ts'
import { CELL_MS } from './slot.ts'

/** Lets the cell in a row of `cells` leave; a free row is left as it is. */
export function leaveCell({ cells, leaving }: Page, worker: number, row: number): void {
  const cell = cells.cell[row] as number
  if (cell === 0) return
  leaving.cells.push({ worker, cellMs: cell * CELL_MS, isLate: false, ...contributionsOf(cells, row) })
  clearRow(cells, row)
}

/** Lets the cells of a worker leave that are due: D and the worker's spread after the cell's end. */
export function leaveDueCells(page: Page, worker: number, nowMs: number): void {
  const { cells, workers } = page
  const waitMs = delayOf(page, worker) + (workers.spreadS[worker] as number) * SECOND_MS
  for (let row = worker * OPEN_CELLS; row < (worker + 1) * OPEN_CELLS; row++) {
    const endMs = ((cells.cell[row] as number) + 1) * CELL_MS
    if (endMs + waitMs <= nowMs) leaveCell(page, worker, row)
  }
}

/** Lets the late contributions of one worker leave. */
export function leaveLate(page: Page, worker: number): void {
  const { late } = page
  for (let row = late.count - 1; row >= 0; row--) {
    if (late.key.owner[row] !== worker) continue
    pushLate(page, row)
    late.remove(row)
  }
  page.workers.waiting[worker] = 0
}

/** Lets all late contributions leave. */
export function leaveAllLate(page: Page): void {
  const { late, workers } = page
  if (late.count === 0) return
  for (let row = 0; row < late.count; row++) pushLate(page, row)
  late.clear()
  workers.waiting.fill(0, 0, PAGE_WORKERS)
}

function pushLate({ late, leaving }: Page, row: number): void {
  leaving.cells.push({
    worker: late.key.owner[row] as number,
    cellMs: (late.key.time[row] as number) * CELL_MS,
    isLate: true,
    ...contributionsOf(late.sums, row),
  })
}

/** Lets the sums of the minutes leave. */
export function leaveMinutes({ minutes, leaving }: Page): void {
  for (let row = 0; row < minutes.count; row++) {
    const group = minutes.key.owner[row] as number
    const minuteMs = (minutes.key.time[row] as number) * MINUTE_MS
    leaving.minutes.push({ group, minuteMs, ...contributionsOf(minutes.sums, row) })
  }
  minutes.clear()
}
