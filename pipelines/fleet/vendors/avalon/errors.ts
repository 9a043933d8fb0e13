import type { ErrorReading } from '../../reading.ts'
import type { Component } from '../../telemetry.ts'
import type { Place } from '../reading/place.ts'
import { BOARDS_MAX } from './boards.ts'

/** The parts that hold codes, of which 0 is no error: their name, what they are about, and whether each board has one. */
const PARTS: readonly {
  readonly name: string
  readonly component: Component
  readonly isOfBoards: boolean
}[] = [
  { name: 'ECHU', component: 'hashboard', isOfBoards: true },
  { name: 'ECMM', component: 'control_board', isOfBoards: false },
  // The first number of the supply; the others are measurements.
  { name: 'PS', component: 'psu', isOfBoards: false },
  { name: 'FanErr', component: 'fan', isOfBoards: false },
]

/** Null where the module shows no codes at all. A code that it names has the name of its part before it. */
export function errorsOf(parts: Place): ErrorReading[] | null {
  const given = PARTS.filter(({ name }) => parts.at(name.toLowerCase()).isGiven)
  if (given.length === 0) return null
  return given.flatMap(({ name, component, isOfBoards }) => {
    const codes = parts
      .at(name.toLowerCase())
      .items()
      .slice(0, isOfBoards ? BOARDS_MAX : 1)
    return codes.flatMap((place, slot) => {
      const code = place.number() ?? 0
      return code === 0 ? [] : [{ vendor_code: `${name}:${code}`, component, slot: isOfBoards ? slot : null }]
    })
  })
}
