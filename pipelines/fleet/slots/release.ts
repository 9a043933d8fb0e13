import { leaveCell, leaveLate } from './leave.ts'
import { OPEN_CELLS, OPEN_SLOTS_MAX } from './page-state.ts'
import type { Page } from './page.ts'
import { clearRow } from './rows.ts'

/** Forgets a worker, whose place may be another's: what it has collected leaves, and what is still open is dropped. */
export function releaseWorker(page: Page, worker: number): void {
  for (let row = worker * OPEN_CELLS; row < (worker + 1) * OPEN_CELLS; row++) leaveCell(page, worker, row)
  leaveLate(page, worker)
  for (let place = worker * OPEN_SLOTS_MAX; place < (worker + 1) * OPEN_SLOTS_MAX; place++) {
    clearRow(page.open, place)
  }
  for (const hole of page.holes.of(worker)) page.holes.close(hole)
  page.holes.sweep()
  clearRow(page.edges, worker)
  clearRow(page.workers, worker)
}
