import { HOUR_MS, MINUTE_MS } from '../../../../schemas/units.ts'
import { parseRfc3339 } from '../../../json/rfc3339.ts'

const LOCAL_TIME = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)$/
const OFFSET = /GMT(?:([+-])(\d\d):(\d\d))?/

/** Reads times that machines write by the clocks of their location, without a zone: `2026-05-04 17:02:01`. */
export class LocalClock {
  /** Null where the zone is unknown. */
  readonly #format: Intl.DateTimeFormat | null

  /** An unknown zone, or a name that is none, is no error: then no time can be read. */
  constructor(zone: string | null) {
    this.#format = zone === null ? null : formatOf(zone)
  }

  /**
   * Epoch milliseconds; null for any other text, and where the zone is unknown. A time that occurs twice, when clocks are
   * set back, is one of the two; one that does not occur, when they are set forward, is within that hour.
   */
  timeMs(text: string): number | null {
    const utcMs = isLocalTime(text) ? parseRfc3339(`${text.trim().replace(' ', 'T')}Z`) : null
    if (utcMs === null || this.#format === null) return null
    // The offset at the time itself is known once the time is known to within a day.
    const nearMs = utcMs - offsetMs(this.#format, utcMs)
    return utcMs - offsetMs(this.#format, nearMs)
  }
}

/** True for a text of the form that a `LocalClock` reads. */
export function isLocalTime(text: string): boolean {
  return LOCAL_TIME.test(text.trim())
}

function formatOf(timeZone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset', year: 'numeric' })
  } catch {
    return null
  }
}

function offsetMs(format: Intl.DateTimeFormat, timeMs: number): number {
  const [, sign, hours = '0', minutes = '0'] = OFFSET.exec(format.format(timeMs)) ?? []
  const aheadMs = Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS
  return sign === '-' ? -aheadMs : aheadMs
}
