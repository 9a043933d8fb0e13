import type { ErrorReading } from '../../reading.ts'
import type { Component } from '../../telemetry.ts'
import type { Place } from '../reading/place.ts'
import { boardSlot } from './boards.ts'

/** Flags that are true while all is well. `pow` is the power of hashing, not of electricity. */
const FLAGS: readonly (readonly [string, Component])[] = [
  ['powstate', 'device'],
  ['netstate', 'network'],
  ['fanstate', 'fan'],
  ['tempstate', 'device'],
]

/** The open alarms of the machine and of its boards; null where the panel shows no flag at all. */
export function readAlarms(panel: Place): ErrorReading[] | null {
  const ofMachine = FLAGS.map(([name, component]) => ({
    isWell: panel.at(name).flag(),
    error: { vendor_code: name, component },
  }))
  const boards = panel.at('boards').items()
  const ofBoards = boards.map((board, at) => {
    const slot = boardSlot(board, at)
    const error = { vendor_code: `board:${slot + 1}`, component: 'hashboard', slot } as const
    return { isWell: board.at('state').flag(), error }
  })
  const flags = [...ofMachine, ...ofBoards]
  if (flags.every(({ isWell }) => isWell === null)) return null
  return flags.filter(({ isWell }) => isWell === false).map(({ error }) => error)
}
