import { UNKNOWN, valueAt } from '../live/memory.ts'
import { moved } from './clocks.ts'
import { FACT, hasFact } from './memory.ts'
import type { Observation } from './observe.ts'

/** Moves the clocks of a machine that stands: its rate is low, its pools are dead. */
export function judgeStanding({ view: { page, i }, sample, r5Hs, stepS }: Observation): void {
  const { status } = page
  const isKnown = r5Hs !== UNKNOWN
  const low = !isKnown ? 'unknown' : hasFact(page, i, FACT.low) ? 'holds' : 'gone'
  status.lowClock[i] = moved(valueAt(status.lowClock, i), low, stepS)
  const dead = sample.poolsAlive === null ? 'unknown' : sample.poolsAlive === 0 ? 'holds' : 'gone'
  status.poolsDeadClock[i] = moved(valueAt(status.poolsDeadClock, i), dead, stepS)
}
