import { LIVE_PARTS, memoryOf, UNKNOWN, valueAt } from '../live/memory.ts'
import type { Memory } from '../live/memory.ts'
import { undoOf } from './undo.ts'
import type { Undo } from './undo.ts'
import { NOTICE_KINDS } from './notices/kinds.ts'
import type { NoticeKind } from './notices/kinds.ts'

/** Restarts by fault that are kept: the newest ones. */
export const RESTARTS_KEPT = 4
export const NOTICE_PLACES = NOTICE_KINDS.length
/** The kinds of notifications with a second, more severe level. */
export const SEVERE_KINDS: readonly NoticeKind[] = [
  'temperature_chip',
  'temperature_board',
  'temperature_inlet',
  'coolant_low',
  'power_over_cap',
]
export const SEVERE_PLACES = 5

/**
 * What the status engine remembers of a worker. …Clock columns are clocks (see `clocks.ts`); …Ms are log time, but for
 * `heardMs`.
 */
const STATUS_PARTS = {
  status: {
    places: 1,
    fields: {
      status: 'u8',
      reason: 'u8',
      /** The status and reason before the worker's node fell silent. */
      statusBefore: 'u8',
      reasonBefore: 'u8',
      /** A place in `SILENCES`: why nothing is known of the worker, also where another status stands over it. */
      silence: 'u8',
      /** The reason code of the latch of Needs Repair; 0: not latched. */
      broken: 'u8',
      /** A bit for each place in `UNDER_CAUSES` that is latched. */
      under: 'u8',
      /** Bits of `FACT`: what the last current sample said. */
      facts: 'u16',
      statusSinceMs: 'f64',
      reasonSinceMs: 'f64',
      /** Log time of the last decision. What was due until then has been decided. */
      decidedMs: 'f64',
      /** Nothing is due before; `fireTimers` finds the exact time. */
      dueMs: 'f64',
      /** Changes of status, reason or unknown since the worker was commissioned. */
      version: 'u32',
      /** Observation time of the last current sample or poll result. */
      heardMs: 'f64',
      /** When a current sample, an answer of the machine, anything was last heard of it; 0: never. */
      goodAtMs: 'f64',
      answeredAtMs: 'f64',
      heardAtMs: 'f64',
      /** Polls since then that failed, or that gave no sample. They stop at 255. */
      pollsFailed: 'u8',
      pollsUnread: 'u8',
      /** Observation time, in seconds, of the first sample of an unbroken row of good ones; 0: the last was not good. */
      goodSinceS: 'u32',
      poolsDigest: 'u32',
      boardsClock: 'u16',
      errorClock: 'u16',
      lowClock: 'u16',
      poolsDeadClock: 'u16',
      chipsClock: 'u16',
      efficiencyClock: 'u16',
      tuningClock: 'u16',
      hashingClock: 'u16',
      repairedClock: 'u16',
    },
  },
  restarts: { places: RESTARTS_KEPT, fields: { atS: 'u32' } },
  /** A clock for each of `UNDER_CAUSES`: for how long it is gone. */
  clean: { places: 5, fields: { clock: 'u16' } },
  notices: {
    places: NOTICE_PLACES,
    fields: {
      /** 0: no record is open; 1, 2: it is, at that level. */
      level: 'u8',
      /** While no record is open, how long the condition holds; while one is, for how long it is gone. */
      clock: 'u16',
    },
  },
  /** For how long the condition of the more severe level holds. */
  severe: { places: SEVERE_PLACES, fields: { clock: 'u16' } },
} as const

/** A page of workers as the live plane keeps it. */
export const PAGE_PARTS = { ...LIVE_PARTS, ...STATUS_PARTS } as const

/**
 * The columns of `PAGE_WORKERS` workers: nothing else is remembered, and there is no object for a worker. `undo` is empty
 * between calls.
 */
export type WorkerPage = Memory<typeof PAGE_PARTS> & { readonly undo: Undo }

const PARTS = Object.entries(PAGE_PARTS) as [keyof typeof PAGE_PARTS, { readonly places: number }][]

/** A page at which no worker is commissioned. */
export function newPage(): WorkerPage {
  const memory = memoryOf(PAGE_PARTS)
  memory.status.dueMs.fill(Number.POSITIVE_INFINITY)
  const columns = PARTS.flatMap(([name, { places }]) =>
    Object.values(memory[name]).map((values) => ({ values, places })),
  )
  return { ...memory, undo: undoOf(columns) }
}

/** Forgets a worker: its columns become those of a page on which it never stood. */
export function clearWorker(page: WorkerPage, i: number): void {
  for (const [name, { places }] of PARTS) {
    for (const column of Object.values(page[name])) column.fill(0, i * places, (i + 1) * places)
  }
  page.status.dueMs[i] = Number.POSITIVE_INFINITY
}

/** Makes the columns of a worker those of one of which nothing is known yet. */
export function startWorker(page: WorkerPage, i: number): void {
  clearWorker(page, i)
  page.live.r5Hs[i] = UNKNOWN
  page.live.accepted[i] = UNKNOWN
  page.live.reportedHashes[i] = UNKNOWN
}

/** What the last current sample, and the last decision, said of a worker, as bits of `facts`. */
export const FACT = {
  /** Its mode, or its intent, is not to hash. */
  asleep: 1,
  heatStopped: 2,
  /** r5 is at most the part of H* below which a machine counts as stopped. */
  low: 4,
  hashing: 8,
  comesUp: 16,
  /** The machine has told a rate above 0 since it started that its nominal rate does not contradict. */
  proven: 32,
  /** The machine has ever told a rate that can be believed. */
  rated: 64,
  /** H* is not known: rules that compare with it are off. */
  nominalUnknown: 128,
  /** Its status would be another one, were the dwell over. */
  dwells: 256,
} as const

/** Writes a fact into the column, or takes it away. */
export function setFact({ status }: WorkerPage, i: number, fact: number, isTrue: boolean): void {
  const others = valueAt(status.facts, i) & ~fact
  status.facts[i] = isTrue ? others | fact : others
}

/** Whether a fact stands in the column. */
export function hasFact(page: WorkerPage, i: number, fact: number): boolean {
  return (valueAt(page.status.facts, i) & fact) !== 0
}
