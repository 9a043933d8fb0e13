import { LATE_MS_MAX } from '../../../../pipelines/fleet/slots/slot.ts'
import { counted } from './judge.ts'
import { pageWith, RETIRED_MS, run, summed } from './run.ts'
import type { Run, Step } from './run.ts'
import { failedPoll, reading } from './readings.ts'
import type { Outcome } from '../../../../pipelines/fleet/slots/outcome.ts'
import type { SecondsKind } from '../../../../pipelines/fleet/slots/reading.ts'

/** The begin of the worker of the examples, a full hour. */
export const BEGIN_MS = RETIRED_MS - 25 * 3_600_000

/** The rate of a machine that works as it should. */
export const FULL_HS = 100_000_000_000_000

type Changed = NonNullable<Parameters<typeof reading>[1]>

export const at = (seconds: number): number => BEGIN_MS + seconds * 1_000

/** A reading `afterS` after the begin, in the log at that time or at `logS`. */
export function seen(afterS: number, changed: Changed = {}, logS = afterS): Step {
  return { atMs: at(logS), reading: reading(at(afterS), changed) }
}

export function failed(
  afterS: number,
  changed: NonNullable<Parameters<typeof failedPoll>[1]> = {},
  logS = afterS,
): Step {
  return { atMs: at(logS), poll: failedPoll(at(afterS), changed) }
}

/** Readings in `[fromS, toS)`. */
export function series(fromS: number, toS: number, everyS = 30, changed: Changed = {}): Step[] {
  return Array.from({ length: Math.ceil((toS - fromS) / everyS) }, (_, nth) =>
    seen(fromS + nth * everyS, { intervalS: everyS, ...changed }),
  )
}

/** The same steps, all of them at one later time in the log. */
export function allAt(logS: number, steps: readonly Step[]): Step[] {
  return steps.map((step) => delayed(step, at(logS)))
}

function delayed(step: Step, atMs: number): Step {
  return { ...step, atMs }
}

/** What is said of some time: seconds by kind, joules by source, and how long the worker would have needed at its full rate. */
export type Account = Partial<Record<SecondsKind, number>> & {
  readonly bridgedS: number
  readonly commissionedS: number
  readonly fullS: number
  readonly joules: Readonly<Record<string, number>>
  readonly outcomes: readonly (Outcome | null)[]
}

/** What all cells of a run say of the first `lengthS` seconds, which must be whole cells. */
export function accountOf(ran: Run, lengthS: number): Account {
  const cells = ran.cells.filter(({ cellMs }) => cellMs < at(lengthS))
  const [all] = summed(cells, () => 0).values()
  const { seconds = counted([]), bridgedS = 0, commissionedS = 0, hashes = 0n, joules = {} } = all ?? {}
  const fullS = Number(hashes) / FULL_HS
  return { ...seconds, bridgedS, commissionedS, fullS, joules, outcomes: ran.outcomes }
}

/** What steps come to when everything has left. */
export function account(steps: readonly Step[], lengthS = 600, intervalS = 30): Account {
  return accountOf(run(pageWith(BEGIN_MS, intervalS), steps, RETIRED_MS + LATE_MS_MAX), lengthS)
}
