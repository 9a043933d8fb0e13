import { columnsOf, PAGE_WORKERS } from '../pages/layout.ts'
import type { Columns } from '../pages/layout.ts'
import { HoleTable } from './hole-table.ts'
import { READING } from './reading-columns.ts'
import type { Readings } from './reading-columns.ts'
import type { NumberFields } from './rows.ts'
import { CELL_SLOTS, settleDelayMs } from './slot.ts'
import { CELL, MINUTE } from './sums.ts'
import { SumTable } from './sum-table.ts'

/**
 * Slots of a worker that are open and have a reading or a failed poll. With an interval of at most 60 s seven slots are
 * open at a time, from D behind log time to 60 s ahead of it; with a longer interval more are, and samples are rarer. Only
 * a worker that sends more often than it says can need an eighth: then its oldest slots settle before their time.
 */
export const OPEN_SLOTS_MAX = 7

/** A cell collects slots until it is due, and the next one has begun by then. */
export const OPEN_CELLS = 2

/** How many settled slots before the open ones are remembered as bridged or not. */
export const REMEMBERED_SLOTS = 64

/** What is kept of every worker, once. */
const WORKER = {
  /** The first slot that has not settled; 0 for a place without a worker. */
  open: 'u32',
  intervalS: 'u16',
  /** Its cells leave so many seconds after they could: a hash of the worker, so that not all leave at once. */
  spreadS: 'u8',
  holes: 'u8',
  /** Late slots that wait to leave. */
  waiting: 'u8',
  /** Of the last 64 settled slots, by their number modulo 64: whether they were bridged. */
  bridgedLow: 'u32',
  bridgedHigh: 'u32',
  /** The newest failed poll that has settled, if it is newer than the newest reading that has. */
  pollSlot: 'u32',
  poll: 'u32',
} as const satisfies NumberFields

/** What is kept of an open slot: its reading, and its failed poll packed. `slot` is 0 for a free place. */
const OPEN = { ...READING, poll: 'u32' } as const satisfies NumberFields

/** A cell that collects: `cell` counts 5 minutes since the epoch, 0 for a free place. */
const OPEN_CELL = { cell: 'u32', ...CELL } as const satisfies NumberFields

/** Everything that the account plane keeps of a page of workers. */
export interface PageState {
  nowMs: number
  /** When the next scan is due. */
  nextMinuteMs: number
  /** Holes that were closed for good before their time, since a worker had too many. */
  holesGivenUp: number
  /** Slots that settled before their time, since a worker had too many open. */
  settledEarly: number
  readonly workers: Columns<typeof WORKER>
  /** The newest reading of each worker that has settled, with the counters that it inherited. */
  readonly edges: Readings
  readonly open: Columns<typeof OPEN>
  readonly cells: Columns<typeof OPEN_CELL>
  readonly holes: HoleTable
  /** Late contributions by worker and cell, until they leave. */
  readonly late: SumTable
  /** Sums by group and minute since the last scan. */
  readonly minutes: SumTable
}

/** A page without workers, at a log time. */
export function emptyPage(nowMs: number, nextMinuteMs: number): PageState {
  return {
    nowMs,
    nextMinuteMs,
    holesGivenUp: 0,
    settledEarly: 0,
    workers: columnsOf(WORKER),
    edges: columnsOf(READING),
    open: columnsOf(OPEN, PAGE_WORKERS * OPEN_SLOTS_MAX),
    cells: columnsOf(OPEN_CELL, PAGE_WORKERS * OPEN_CELLS),
    holes: new HoleTable(),
    late: new SumTable(CELL),
    minutes: new SumTable(MINUTE),
  }
}

/** D of a worker. */
export function delayOf({ workers }: PageState, worker: number): number {
  return settleDelayMs(workers.intervalS[worker] as number)
}

export function cellOf(slot: number): number {
  return Math.floor(slot / CELL_SLOTS)
}

/** Whether a settled slot is remembered as bridged. */
export function wasBridged({ workers }: PageState, worker: number, slot: number): boolean {
  if ((workers.open[worker] as number) - slot > REMEMBERED_SLOTS) return false
  const bits = slot % 64 < 32 ? workers.bridgedLow : workers.bridgedHigh
  return (((bits[worker] as number) >>> (slot % 32)) & 1) === 1
}

export function rememberSlot({ workers }: PageState, worker: number, slot: number, isBridged: boolean): void {
  if ((workers.open[worker] as number) - slot > REMEMBERED_SLOTS) return
  const bits = slot % 64 < 32 ? workers.bridgedLow : workers.bridgedHigh
  const bit = 1 << (slot % 32)
  bits[worker] = isBridged ? (bits[worker] as number) | bit : (bits[worker] as number) & ~bit
}
