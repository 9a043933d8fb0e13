import { DAY_MS, HOUR_MS, QUARTER_HOUR_MS, SECOND_MS } from '../../../schemas/units.ts'

/**
 * Windows of a time zone: hours and days as the clocks there show them. A day on which clocks change has 23 or 25 hours.
 * All borders are multiples of 15 minutes, as every zone in use is, so they are sums of stored windows.
 */

/**
 * Two changes of a zone's clocks are further apart than this step: of all changes since 1970 that the time zone database
 * names or foresees, the closest two are 6 d 23 h apart (Brazil, 2000). So each such step holds one change or none, and
 * the offsets at its two ends show which.
 */
const STEP_MS = 6 * DAY_MS

/** Windows that are laid out before other requests get a turn. */
const WINDOWS_PER_TURN = 500

/** No zone is further from UTC than this. */
const OFFSET_MS_MAX = 16 * HOUR_MS

const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/

/** How far a zone's clocks are ahead of UTC in one step: before a change, and from it on. */
interface Step {
  readonly beforeMs: number
  readonly afterMs: number
  /** Infinite where there is no change. */
  readonly changeMs: number
}

/** A zone by its IANA name or as an offset like +05:30. */
export class TimeZone {
  readonly name: string
  /** Each step that was looked up; at most as many as the range has that is laid out. */
  readonly #steps = new Map<number, Step>()
  readonly #format: Intl.DateTimeFormat

  /** Throws a RangeError where there is no such zone. */
  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      timeZoneName: 'longOffset',
      year: 'numeric',
    })
    this.name = this.#format.resolvedOptions().timeZone
  }

  /** How far the clocks there are ahead of UTC at this time, rounded down to 15 minutes. */
  offsetMs(timeMs: number): number {
    const index = Math.floor(timeMs / STEP_MS)
    let step = this.#steps.get(index)
    if (step === undefined) {
      step = this.#readStep(index * STEP_MS)
      this.#steps.set(index, step)
    }
    return timeMs < step.changeMs ? step.beforeMs : step.afterMs
  }

  /** A query of the zone is slow, so it is made for each step and not for each window. */
  #readStep(startMs: number): Step {
    const beforeMs = this.#queriedOffsetMs(startMs)
    const afterMs = this.#queriedOffsetMs(startMs + STEP_MS)
    if (beforeMs === afterMs) return { beforeMs, afterMs, changeMs: Number.POSITIVE_INFINITY }
    let low = startMs
    let high = startMs + STEP_MS
    while (high - low > QUARTER_HOUR_MS) {
      const middle = floorTo((low + high) / 2, QUARTER_HOUR_MS)
      if (this.#queriedOffsetMs(middle) === beforeMs) low = middle
      else high = middle
    }
    return { beforeMs, afterMs, changeMs: high }
  }

  #queriedOffsetMs(timeMs: number): number {
    const match = OFFSET.exec(this.#format.format(timeMs))
    const seconds = Number(match?.[2] ?? 0) * 3_600 + Number(match?.[3] ?? 0) * 60 + Number(match?.[4] ?? 0)
    return floorTo((match?.[1] === '-' ? -seconds : seconds) * SECOND_MS, QUARTER_HOUR_MS)
  }

  /** Start of the local day that holds `timeMs`. */
  dayStart(timeMs: number): number {
    const localMidnight = floorTo(timeMs + this.offsetMs(timeMs), DAY_MS)
    return this.#firstAtOrAfter(localMidnight)
  }

  /** Start of the local day after the one that starts at `startMs`. */
  nextDay(startMs: number): number {
    const offsetMs = this.offsetMs(startMs)
    const localMidnight = floorTo(startMs + offsetMs, DAY_MS) + DAY_MS
    const next = localMidnight - offsetMs
    return this.offsetMs(next) === offsetMs ? next : this.#firstAtOrAfter(localMidnight)
  }

  /** The end of the local hour that holds `startMs`, by the offset at that time. */
  nextHour(startMs: number): number {
    return startMs + HOUR_MS - modulo(startMs + this.offsetMs(startMs), HOUR_MS)
  }

  /** First quarter of an hour at which the clocks there show `localMs` or later. */
  #firstAtOrAfter(localMs: number): number {
    let low = localMs - OFFSET_MS_MAX
    let high = localMs + OFFSET_MS_MAX
    while (high - low > QUARTER_HOUR_MS) {
      const middle = floorTo((low + high) / 2, QUARTER_HOUR_MS)
      if (middle + this.offsetMs(middle) >= localMs) high = middle
      else low = middle
    }
    return high
  }
}

/** Windows that tile a range: `starts[i]` to `starts[i + 1]`, the last one to `endMs`. */
export interface Tiling {
  readonly starts: readonly number[]
  readonly endMs: number
}

/**
 * The local hours or days that `[fromMs, toMs)` touches, whole. Null where there are more than `windowsMax`. `pause`
 * gives other requests their turns.
 */
export async function tileLocally(
  zone: TimeZone,
  window: '1h' | '1d',
  range: { readonly fromMs: number; readonly toMs: number },
  windowsMax: number,
  pause: () => Promise<void>,
): Promise<Tiling | null> {
  const next = (startMs: number): number => (window === '1d' ? zone.nextDay(startMs) : zone.nextHour(startMs))
  const starts: number[] = []
  let startMs = zone.dayStart(range.fromMs)
  while (startMs < range.toMs) {
    if (starts.length % WINDOWS_PER_TURN === WINDOWS_PER_TURN - 1) await pause()
    const endMs = next(startMs)
    if (endMs > range.fromMs) starts.push(startMs)
    if (starts.length > windowsMax) return null
    startMs = endMs
  }
  return { starts, endMs: startMs }
}

/** The largest multiple of `stepMs` at or below `timeMs`. */
export function floorTo(timeMs: number, stepMs: number): number {
  return Math.floor(timeMs / stepMs) * stepMs
}

/** The smallest multiple of `stepMs` at or above `timeMs`. */
export function ceilTo(timeMs: number, stepMs: number): number {
  return Math.ceil(timeMs / stepMs) * stepMs
}

function modulo(value: number, by: number): number {
  return value - floorTo(value, by)
}
