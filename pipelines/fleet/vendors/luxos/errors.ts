import { parseRfc3339 } from '../../../json/rfc3339.ts'
import type { ErrorReading } from '../../reading.ts'
import type { Component } from '../../telemetry.ts'
import { timeText } from '../reading/clocks.ts'
import type { Place } from '../reading/place.ts'

/** Events that are read of one machine. */
const EVENTS_MAX = 64

const COMPONENTS: Readonly<Record<string, Component>> = {
  board: 'hashboard',
  miner: 'device',
  fan: 'fan',
  psu: 'psu',
  pool: 'pool',
  network: 'network',
}

/** The events: each has a code, and what it is about; that of a board has its slot. Null where there is no list. */
export function errorsOf(list: Place): ErrorReading[] | null {
  if (!list.isList) return null
  return list
    .items()
    .slice(0, EVENTS_MAX)
    .flatMap((event) => {
      const code = event.at('Code').text()
      if (code === null) return []
      const target = event.at('Target').word()
      const component = Object.hasOwn(COMPONENTS, target) ? (COMPONENTS[target] ?? null) : null
      const createdMs = parseRfc3339(event.at('CreatedAt').text() ?? '')
      return [
        {
          vendor_code: code,
          component,
          slot: component === 'hashboard' ? event.at('ID').count() : null,
          message: event.at('Description').text(),
          first_seen: createdMs === null ? null : timeText(createdMs),
        },
      ]
    })
}
