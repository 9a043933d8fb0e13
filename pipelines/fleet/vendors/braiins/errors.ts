import { parseRfc3339 } from '../../../json/rfc3339.ts'
import type { ErrorReading } from '../../reading.ts'
import type { Component } from '../../telemetry.ts'
import { CLOCK_SKEW_MS_MAX, timeText } from '../reading/clocks.ts'
import type { Place } from '../reading/place.ts'

/** Different errors that are kept of one machine. */
const ERRORS_MAX = 64

const COMPONENTS: readonly (readonly [RegExp, Component])[] = [
  [/hash|board|chain|chip/, 'hashboard'],
  [/psu|power/, 'psu'],
  [/fan/, 'fan'],
  [/pool/, 'pool'],
  [/sensor|temp/, 'sensor'],
  [/net/, 'network'],
]

/**
 * The errors of the list, which is a log: the same one stands there again and again, beside messages without a code, which are
 * no errors of the machine. Each code of a component is one error, first seen where it is oldest. Without a list, a miner that
 * is in its normal state has none; else null.
 */
export function errorsOf(list: Place, state: string | null, collectedAtMs: number): ErrorReading[] | null {
  if (!list.isList) return state === 'NORMAL' ? [] : null
  const kept = new Map<string, ErrorReading>()
  for (const error of list.items().flatMap((entry) => errorsOfEntry(entry, collectedAtMs))) {
    const name = `${error.vendor_code} ${error.component ?? ''} ${error.slot ?? ''}`
    const before = kept.get(name)
    if (before !== undefined) kept.set(name, { ...before, first_seen: earlier(before, error) })
    else if (kept.size < ERRORS_MAX) kept.set(name, error)
  }
  return [...kept.values()]
}

function errorsOfEntry(entry: Place, collectedAtMs: number): ErrorReading[] {
  const part = entry.at('components', 0)
  const name = part.at('name').word()
  const component = COMPONENTS.find(([pattern]) => pattern.test(name))?.[1] ?? null
  const firstSeen = timeOf(entry.at('timestamp'), collectedAtMs)
  const codes = entry.any('error_codes', 'errorCodes').items()
  return codes.flatMap((place) => {
    const code = place.at('code').text()
    if (code === null) return []
    const slot = component === 'hashboard' ? part.at('index').count() : null
    const message = place.at('reason').text() ?? entry.at('message').text()
    return [{ vendor_code: code, component, slot, message, first_seen: firstSeen }]
  })
}

/** A time from before the clock was set is none. */
function timeOf(timestamp: Place, collectedAtMs: number): string | null {
  const atMs = parseRfc3339(timestamp.text() ?? '')
  return atMs !== null && Math.abs(atMs - collectedAtMs) <= CLOCK_SKEW_MS_MAX ? timeText(atMs) : null
}

/** Texts of this form are in the order of their times. */
function earlier(left: ErrorReading, right: ErrorReading): string | null {
  const times = [left.first_seen ?? null, right.first_seen ?? null].filter((time) => time !== null)
  return times.toSorted()[0] ?? null
}
