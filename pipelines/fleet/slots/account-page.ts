import { PAGE_WORKERS } from '../pages/layout.ts'
import { MINUTE_MS } from '../../../schemas/units.ts'
import { applyFailedPoll, applyReading } from './apply.ts'
import { completeSpan } from './complete.ts'
import type { Leaving } from './contributions.ts'
import { scanHoles } from './holes.ts'
import { leaveAllLate, leaveMinutes } from './leave.ts'
import type { Outcome } from './outcome.ts'
import { pageOf } from './page.ts'
import type { Page } from './page.ts'
import { bytesOfPage, pageOfBytes } from './page-bytes.ts'
import { emptyPage } from './page-state.ts'
import type { PageState } from './page-state.ts'
import type { Placement } from './placement.ts'
import type { FailedPoll, Reading } from './reading.ts'
import { releaseWorker } from './release.ts'
import { settleTo } from './settle.ts'
import { LATE_MS_MAX, SLOT_MS, slotOf } from './slot.ts'

const INTERVAL_S_MIN = 10
const INTERVAL_S_MAX = 300

/** How a worker is kept. */
export interface WorkerSettings {
  /** How often it is polled: 10 to 300 s. */
  readonly intervalS: number
  /** A hash of the worker, 0 to 239: its cells leave so much later, so that not all cells leave at once. */
  readonly spreadS: number
}

/** A part of a worker's time of which nothing is known, half-open. */
export interface HoleSpan {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * The account plane of a page of workers: what was true then, in slots of the workers' own time. It is fed by every
 * accepted sample in the order of the log, and late data only add. It has no clock: log time comes with `advance`, before
 * what came at that time. A worker is known by its place in the page.
 *
 *     open ── end + D ──▶ a reading's, bridged, unreachable, unreadable: final, added to its cell
 *                     └─▶ none: a hole ── late reading, bridge, late failed poll, unheard ──▶ final, added as late
 *                                     └── 80 h, or a seventeenth hole ──▶ none for good
 */
export class AccountPage {
  readonly #page: Page

  private constructor(state: PageState, placement: Placement) {
    this.#page = pageOf(state, placement)
  }

  /** A page without workers, at a log time. */
  static empty(nowMs: number, placement: Placement): AccountPage {
    return new AccountPage(emptyPage(nowMs, (Math.floor(nowMs / MINUTE_MS) + 1) * MINUTE_MS), placement)
  }

  /** The page of which `encode` made these bytes. Throws where they are none of this format. */
  static decode(bytes: Uint8Array, placement: Placement): AccountPage {
    return new AccountPage(pageOfBytes(bytes), placement)
  }

  /** Holes that were closed for good before their time, and slots that settled before theirs, since the page began. */
  get lost(): { readonly holes: number; readonly slots: number } {
    return { holes: this.#page.holesGivenUp, slots: this.#page.settledEarly }
  }

  /** The next full minute, at which `advance` has something to do; no worker, no minute. */
  get nextMinuteMs(): number {
    return this.#page.nextMinuteMs
  }

  /** Begins a worker's time with the slot of now, or changes the settings of one that is here. */
  configure(worker: number, { intervalS, spreadS }: WorkerSettings): void {
    const { nowMs, workers } = this.#page
    if (!Number.isInteger(worker) || worker < 0 || worker >= PAGE_WORKERS) {
      throw new RangeError(`A page has the places 0 to ${PAGE_WORKERS - 1}, and no place ${worker}.`)
    }
    if (!(intervalS >= INTERVAL_S_MIN && intervalS <= INTERVAL_S_MAX)) {
      throw new RangeError(`An interval is ${INTERVAL_S_MIN} to ${INTERVAL_S_MAX} s, not ${intervalS}.`)
    }
    if (workers.open[worker] === 0) workers.open[worker] = slotOf(nowMs)
    workers.intervalS[worker] = intervalS
    workers.spreadS[worker] = spreadS
  }

  /**
   * Opens the time from `fromMs`, at most 80 h back, to the worker's begin, to be filled by samples from before it was
   * known. What fills a slot there brings its commissioned seconds along. Right after the `configure` that began it.
   */
  openBefore(worker: number, fromMs: number): void {
    const { holes, nowMs, workers } = this.#page
    const to = this.#openOf(worker)
    if (to !== slotOf(nowMs)) throw new Error(`The worker at place ${worker} of the page has begun already.`)
    const from = slotOf(Math.max(fromMs, nowMs - LATE_MS_MAX))
    if (from >= to) return
    const hole = holes.add(worker, from, to)
    holes.columns.isBefore[hole] = 1
    workers.holes[worker] = holes.of(worker).length
  }

  /**
   * Log time moves on, and never back. At each full minute on the way all slots that are due settle, what is too old for
   * late data is closed, and what came late leaves, and so do the sums of the minutes.
   */
  advance(nowMs: number): void {
    const page = this.#page
    while (page.nextMinuteMs <= nowMs) {
      page.nowMs = page.nextMinuteMs
      page.nextMinuteMs += MINUTE_MS
      scan(page)
    }
    page.nowMs = Math.max(page.nowMs, nowMs)
  }

  /** Applies one accepted sample. */
  apply(worker: number, reading: Reading): Outcome {
    this.#openOf(worker)
    return applyReading(this.#page, worker, reading)
  }

  /** Applies the result of a poll that gave no sample. */
  failedPoll(worker: number, poll: FailedPoll): Outcome {
    this.#openOf(worker)
    return applyFailedPoll(this.#page, worker, poll)
  }

  /**
   * The worker's node holds nothing back any more of the parts of these holes that `partsOf` names: what is missing there
   * was never heard. What has not settled yet asks the placement when it does.
   */
  complete(worker: number, partsOf: (holes: readonly HoleSpan[]) => readonly HoleSpan[]): void {
    this.#openOf(worker)
    settleTo(this.#page, worker, this.#page.nowMs)
    for (const { fromMs, toMs } of partsOf(this.holesOf(worker))) {
      completeSpan(this.#page, worker, fromMs, toMs)
    }
  }

  /** Whether a part of the worker's time is missing, and may still come. */
  hasHoles(worker: number): boolean {
    return (this.#page.workers.holes[worker] ?? 0) > 0
  }

  /** Forgets a worker whose time is over: its rows leave, and its place may be another's. */
  release(worker: number): void {
    this.#openOf(worker)
    releaseWorker(this.#page, worker)
  }

  /** The rows that have left since the last call. */
  take(): Leaving {
    const { leaving } = this.#page
    const taken = { ...leaving }
    leaving.cells = []
    leaving.minutes = []
    return taken
  }

  /** The holes of a worker, oldest first. */
  holesOf(worker: number): readonly HoleSpan[] {
    const { holes } = this.#page
    const { from, to } = holes.columns
    return holes
      .of(worker)
      .map((hole) => ({ fromMs: (from[hole] as number) * SLOT_MS, toMs: (to[hole] as number) * SLOT_MS }))
      .toSorted((one, other) => one.fromMs - other.fromMs)
  }

  /** All that the page keeps, in a fixed form. Rows that have left are no part of it: take them before. */
  encode(): Buffer {
    const { cells, minutes } = this.#page.leaving
    if (cells.length + minutes.length > 0) throw new Error('Rows that left the page were not taken.')
    return bytesOfPage(this.#page)
  }

  #openOf(worker: number): number {
    const open = this.#page.workers.open[worker] ?? 0
    if (open === 0) throw new Error(`No worker is configured at place ${worker} of the page.`)
    return open
  }
}

/** What a full minute of log time does. */
function scan(page: Page): void {
  const { nowMs, workers } = page
  for (let worker = 0; worker < PAGE_WORKERS; worker++) {
    if (workers.open[worker] === 0) continue
    settleTo(page, worker, nowMs)
    if ((workers.holes[worker] as number) > 0) scanHoles(page, worker)
  }
  leaveAllLate(page)
  leaveMinutes(page)
}
