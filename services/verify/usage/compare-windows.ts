import { QUARTER_HOUR_WINDOW_MS } from '../../../schemas/usage.ts'
import type { Differences } from '../differences.ts'
import type { BlocksBelow } from '../tables.ts'
import { WINDOW_TABLES, windowKey } from './sums.ts'
import type { WindowRow, WindowSums, WindowTable } from './sums.ts'
import type { FoundWindow, UsageTables } from './tables.ts'

/** Windows that one query returns. */
const SLICE_MS = 86_400_000

/** ClickHouse forgets minutes after 45 days: minutes that are about to expire are not compared. */
const MINUTES_KEPT_MS = 44 * 86_400_000

export interface WindowParts {
  readonly rows: UsageTables
  readonly differences: Differences
  readonly signal: AbortSignal
  readonly nowMs: number
}

export interface WindowCount {
  readonly compared: number
  /** Rows that grew while the comparison ran: merges have added up what is on both sides of the horizon. */
  readonly moving: number
}

/** Compares usage_1m and usage_15m with the sums of one partition. */
export async function compareWindows(
  parts: WindowParts,
  blocks: BlocksBelow,
  sums: readonly WindowSums[],
  wholeFromMs: number,
): Promise<WindowCount> {
  const { seqBelow, ...source } = blocks
  let compared = 0
  let moving = 0
  for (const [at, table] of WINDOW_TABLES.entries()) {
    const keptFromMs = table.name === 'usage_1m' ? parts.nowMs - MINUTES_KEPT_MS : 0
    const oldestMs = nextWindow(Math.max(wholeFromMs, keptFromMs, 0))
    const expected = slices(sums[at] as WindowSums, oldestMs)
    const bounds = await parts.rows.windowBounds(table, source, oldestMs)
    const days = new Set(expected.keys())
    if (bounds !== null) {
      for (let day = dayOf(bounds.firstMs); day <= dayOf(bounds.lastMs); day += 1) days.add(day)
    }
    for (const day of [...days].sort((left, right) => left - right)) {
      parts.signal.throwIfAborted()
      const fromMs = Math.max(day * SLICE_MS, oldestMs)
      const found = await parts.rows.windows(table, source, fromMs, (day + 1) * SLICE_MS)
      const count = await compareSlice(
        parts.differences,
        table,
        expected.get(day) ?? new Map(),
        found,
        seqBelow,
      )
      compared += count.compared
      moving += count.moving
    }
  }
  return { compared, moving }
}

/** Start of the first window of either size at or after `atMs`. */
function nextWindow(atMs: number): number {
  return Math.ceil(atMs / QUARTER_HOUR_WINDOW_MS) * QUARTER_HOUR_WINDOW_MS
}

function dayOf(atMs: number): number {
  return Math.floor(atMs / SLICE_MS)
}

/** Expected windows by day, without those that start before `fromMs`. */
function slices(sums: WindowSums, fromMs: number): Map<number, Map<string, WindowRow>> {
  const days = new Map<number, Map<string, WindowRow>>()
  for (const [key, row] of sums.rows) {
    if (row.startMs < fromMs) continue
    const day = dayOf(row.startMs)
    const slice = days.get(day)
    if (slice === undefined) days.set(day, new Map([[key, row]]))
    else slice.set(key, row)
  }
  return days
}

async function compareSlice(
  differences: Differences,
  table: WindowTable,
  expected: Map<string, WindowRow>,
  found: readonly FoundWindow[],
  seqBelow: number,
): Promise<WindowCount> {
  let moving = 0
  const rows: [string, FoundWindow][] = []
  for (const row of found) {
    const key = windowKey(row.node_id, Number(row.start_ms), row.task_source, row.model_id)
    if (Number(row.last_seq) >= seqBelow) {
      moving += 1
      expected.delete(key)
    } else rows.push([key, row])
  }
  await differences.compareRows(
    table.name,
    new Map([...expected].map(([key, { sums, lateAtMs }]) => [key, { ...sums, late_at: lateAtMs }])),
    rows,
  )
  return { compared: expected.size, moving }
}
