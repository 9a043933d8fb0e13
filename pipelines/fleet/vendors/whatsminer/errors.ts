import type { ErrorReading } from '../../reading.ts'
import type { Component } from '../../telemetry.ts'
import { CLOCK_SKEW_MS_MAX, timeText } from '../reading/clocks.ts'
import { LocalClock, isLocalTime } from '../reading/local-times.ts'
import type { Place } from '../reading/place.ts'

/** Open errors that are read of one machine; the ones listed first are kept. */
const ERRORS_MAX = 64

/** By the hundreds of a code of three digits. */
const COMPONENTS: Readonly<Record<string, Component>> = {
  1: 'fan',
  2: 'psu',
  // Temperatures.
  3: 'device',
  // The memories of boards, then boards and chips.
  4: 'hashboard',
  5: 'hashboard',
  // The environment.
  6: 'device',
  // The control board, and its licence.
  7: 'control_board',
  8: 'control_board',
}

/**
 * The errors of versions 1 and 2: a list of codes with their times, or, in version 1, numbered codes in the summary. Null
 * where neither is there.
 */
export function errorsOfV2(
  list: Place,
  summary: Place,
  zone: string | null,
  collectedAtMs: number,
): ErrorReading[] | null {
  if (list.isList) return errorsOf(list, zone, collectedAtMs)
  const count = summary.at('Error Code Count').count()
  if (count === null) return null
  const numbered = Array.from({ length: Math.min(count, ERRORS_MAX) }, (_, index) =>
    summary.at(`Error Code ${index}`),
  )
  const errors = numbered.flatMap(ofCode)
  return errors.length === 0 && count > 0 ? null : errors
}

/**
 * The errors of a list of either version. Their times are by the clocks of the location; without its zone the text of the time
 * is kept for people.
 */
export function errorsOf(list: Place, zone: string | null, collectedAtMs: number): ErrorReading[] {
  const clock = new LocalClock(zone)
  const read = list
    .items()
    .flatMap((item) => (item.isObject ? ofPairs(item, clock, collectedAtMs) : ofCode(item)))
  return read.slice(0, ERRORS_MAX)
}

/** One code and its time, or several; version 3 has a reason beside them. */
function ofPairs(pairs: Place, clock: LocalClock, collectedAtMs: number): ErrorReading[] {
  const reason = pairs.at('reason').text()
  return pairs.entries().flatMap(([code, time]) => {
    if (!isCode(code)) return []
    const shown = time.text() ?? ''
    const atMs = clock.timeMs(shown)
    // An error from before the clock was set has no time.
    const isBelievable = atMs !== null && Math.abs(atMs - collectedAtMs) <= CLOCK_SKEW_MS_MAX
    const firstSeen = isBelievable ? timeText(atMs) : null
    const message = reason ?? (firstSeen === null && isLocalTime(shown) ? shown : null)
    return [{ vendor_code: code, component: componentOf(code), message, first_seen: firstSeen }]
  })
}

function ofCode(item: Place): ErrorReading[] {
  const code = String(item.count() ?? '')
  return isCode(code) ? [{ vendor_code: code, component: componentOf(code) }] : []
}

function isCode(text: string): boolean {
  return /^[1-9]\d{0,8}$/.test(text)
}

/** Codes of four digits that begin with 2 are of pools. */
function componentOf(code: string): Component | null {
  if (/^2\d{3}$/.test(code)) return 'pool'
  return code.length === 3 ? (COMPONENTS[code.charAt(0)] ?? null) : null
}
