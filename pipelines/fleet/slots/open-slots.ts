import { OPEN_SLOTS_MAX } from './page-state.ts'
import type { Page } from './page.ts'
import { clearRow } from './rows.ts'
import { hasReading } from './reading-columns.ts'

/** The place of an open slot of a worker, -1 where nothing is known of it. */
export function openSlotAt({ open }: Page, worker: number, slot: number): number {
  const end = (worker + 1) * OPEN_SLOTS_MAX
  for (let place = worker * OPEN_SLOTS_MAX; place < end; place++) if (open.slot[place] === slot) return place
  return -1
}

/** A free place, -1 where there is none. */
export function freePlace(page: Page, worker: number): number {
  return openSlotAt(page, worker, 0)
}

export function freeOpenSlot({ open }: Page, place: number): void {
  clearRow(open, place)
}

/** The place of the first reading of a worker behind a slot, -1 where there is none yet. */
export function nextReading({ open }: Page, worker: number, slot: number): number {
  let next = -1
  const end = (worker + 1) * OPEN_SLOTS_MAX
  for (let place = worker * OPEN_SLOTS_MAX; place < end; place++) {
    if ((open.slot[place] as number) <= slot || !hasReading(open, place)) continue
    if (next < 0 || (open.slot[place] as number) < (open.slot[next] as number)) next = place
  }
  return next
}
