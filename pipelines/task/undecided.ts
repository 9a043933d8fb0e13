import { isAllocation } from '../allocation.ts'
import type { Clock } from '../clock.ts'
import { OutsideError } from '../log/outside.ts'
import { FatalError, HaltError } from '../log/records.ts'
import type { LogRecord } from '../log/records.ts'
import { HOUR_MS } from '../../schemas/units.ts'

/** The code of a dead letter, an outcome and a halt for what `decide` failed at again and again. */
export const CANNOT_BE_DECIDED = 'cannot_be_decided'

/** Failures of `decide` at one position after which the record counts as the cause, and not the moment. */
export const DECIDE_ATTEMPTS_MAX = 3

/**
 * Dead letters of this kind in a partition and hour. When there are more, the cause is a defect of the rules and not the
 * records.
 */
export const UNDECIDED_PER_HOUR_MAX = 100

/** Most characters of an error message that a dead letter keeps. */
const DETAIL_CHARACTERS_MAX = 300

/** A record, or one event of it, that is to be set aside; `index` null means the record as a whole. */
export interface SetAside {
  readonly offset: bigint
  readonly index: number | null
  /** The error that occurred repeatedly, in words. */
  readonly detail: string
}

/** `decide` failed, and the state knows at which record, and at which of its events if the record has several. */
export class UndecidedError extends Error {
  readonly code = 'UNDECIDED'
  readonly offset: bigint
  readonly index: number | null

  constructor(offset: bigint, index: number | null, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.offset = offset
    this.index = index
  }
}

/**
 * Whether an error that `decide` threw may be caused by a record: it is not a halt, not an error from outside, and not a
 * lack of memory.
 */
export function isOfRecords(error: unknown): boolean {
  if (error instanceof HaltError || error instanceof FatalError || error instanceof OutsideError) return false
  return !isAllocation(error instanceof UndecidedError ? error.cause : error)
}

/** The part of a fetched batch that is decided next. */
export interface NextDecision {
  readonly records: readonly LogRecord[]
  readonly nextOffset: bigint
  readonly setAside: readonly SetAside[]
}

/**
 * What `decide` failed at, by task position, kept over the restores in between. An error that comes back at the same
 * position is not cured by a new start: what the state names is set aside, or the records are decided one by one until
 * one fails by itself. Only the state knows what may be set aside: it halts where the record must not be.
 *
 *   whole batch, the error names its place ── 3 times ──▶ that event, then its record, is set aside
 *   whole batch, the error names nothing   ── 3 times ──▶ record by record ── 3 times ──▶ that record is set aside
 *   set aside already, or no record at all ── 3 times ──▶ the partition halts
 */
export class Undecided {
  readonly #clock: Clock
  readonly #place: string
  /** The position of the last failure, what it named, and how many times in a row it occurred. */
  #at = -1n
  #named = ''
  #times = 0
  #setAside: SetAside[] = []
  /** Records below this offset are decided one by one. */
  #singleBelow = 0n
  #setAsideAtMs: number[] = []

  /** `place` names the input partition to a person. */
  constructor(place: string, clock: Clock) {
    this.#place = place
    this.#clock = clock
  }

  /** What a task at `position` decides of `fetched`; everything below the position is known to be committed. */
  next(position: bigint, fetched: readonly LogRecord[], nextOffset: bigint): NextDecision {
    const records = fetched.filter(({ offset }) => offset >= position)
    this.#setAside = this.#setAside.filter(({ offset }) => offset >= position)
    const [first] = records
    if (first === undefined || records.length === 1 || first.offset >= this.#singleBelow) {
      return { records, nextOffset, setAside: this.#setAside }
    }
    const lastOffset = first.unreadable?.lastOffset ?? first.offset
    return { records: [first], nextOffset: lastOffset + 1n, setAside: this.#setAside }
  }

  /**
   * `decide` threw an error that its records may cause. Returns the halt where nothing can be set aside; null: the
   * decision is tried again.
   */
  failed(error: unknown, { records, nextOffset }: NextDecision): HaltError | null {
    const place = error instanceof UndecidedError ? error : null
    const at = records[0]?.offset ?? nextOffset
    const named = place === null ? '' : `${place.offset}/${place.index}`
    if (at !== this.#at || named !== this.#named) this.#times = 0
    this.#at = at
    this.#named = named
    this.#times++
    if (this.#times < DECIDE_ATTEMPTS_MAX) return null
    this.#times = 0
    const offset = place?.offset ?? (records.length === 1 ? at : null)
    if (offset !== null) return this.#giveUp(offset, place?.index ?? null, error)
    if (records.length === 0) return this.#halt(at, error, 'no record stands there')
    this.#singleBelow = nextOffset
    return null
  }

  #giveUp(offset: bigint, index: number | null, error: unknown): HaltError | null {
    const isSetAside = (one: number | null): boolean =>
      this.#setAside.some((known) => known.offset === offset && known.index === one)
    // An event that fails although it is set aside is not the cause.
    const narrowed = index !== null && !isSetAside(index) ? index : null
    if (narrowed === null && isSetAside(null))
      return this.#halt(offset, error, 'it was set aside and still fails')
    const nowMs = this.#clock.monotonicMs()
    this.#setAsideAtMs = this.#setAsideAtMs.filter((atMs) => nowMs - atMs < HOUR_MS)
    if (this.#setAsideAtMs.length >= UNDECIDED_PER_HOUR_MAX) {
      return this.#halt(offset, error, `${UNDECIDED_PER_HOUR_MAX} were set aside within the hour before`)
    }
    this.#setAsideAtMs.push(nowMs)
    this.#setAside.push({ offset, index: narrowed, detail: wordsOf(error) })
    return null
  }

  #halt(offset: bigint, error: unknown, why: string): HaltError {
    return cannotBeDecided(`${this.#place} at offset ${offset}`, `${why}: ${wordsOf(error)}`)
  }
}

/** The halt of a partition at a record that can neither be decided nor set aside. */
export function cannotBeDecided(record: string, detail: string): HaltError {
  return new HaltError(
    CANNOT_BE_DECIDED,
    `The record of ${record} cannot be decided (${detail}).`,
    'It is a defect of this version, and nothing was skipped: report the error and the record, install a version that decides it, and start the service again.',
  )
}

function wordsOf(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error)
  return words.slice(0, DETAIL_CHARACTERS_MAX)
}
