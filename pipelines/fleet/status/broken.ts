import { UNKNOWN, valueAt } from '../live/memory.ts'
import { hasHeld, moved } from './clocks.ts'
import type { Verdict } from './clocks.ts'
import { FACT, hasFact, RESTARTS_KEPT } from './memory.ts'
import type { WorkerPage } from './memory.ts'
import type { Observation } from './observe.ts'
import { codeOf } from './statuses.ts'
import type { Reason } from './statuses.ts'
import { scaledHs } from './view.ts'

/** Sets the latch of Needs Repair. A worker that is latched keeps its first reason. */
export function latchBroken({ status }: WorkerPage, i: number, reason: Reason): void {
  if (valueAt(status.broken, i) !== 0) return
  status.broken[i] = codeOf(reason)
  status.repairedClock[i] = 0
}

/** Opens the latch by hand. What is still wrong has to hold anew for as long as it had to the first time. */
export function unlatchBroken({ status, restarts }: WorkerPage, i: number): void {
  status.broken[i] = 0
  status.repairedClock[i] = 0
  status.boardsClock[i] = 0
  status.errorClock[i] = 0
  restarts.atS.fill(0, i * RESTARTS_KEPT, (i + 1) * RESTARTS_KEPT)
}

/** Boards that are missing or switched off; null where the machine does not tell, or none is expected. */
export function boardsMissing({ sample }: Observation): number | null {
  if (sample.boardsOnline === null || sample.boardsExpected === null) return null
  return Math.max(0, sample.boardsExpected - sample.boardsOnline)
}

/** Restarts by fault within the time that counts. */
export function recentRestarts({ view: { page, i, context }, atS }: Observation): number {
  const { restartsS } = context.thresholds
  let count = 0
  for (let place = i * RESTARTS_KEPT; place < (i + 1) * RESTARTS_KEPT; place++) {
    const restartS = valueAt(page.restarts.atS, place)
    if (restartS > 0 && atS - restartS <= restartsS) count++
  }
  return count
}

/**
 * Moves the latch of Needs Repair with a current sample. It closes only while a fault would be one (`isJudged`); but
 * restarts need no time after the start, or a machine that restarts within each ramp would never count as broken.
 */
export function judgeRepair(observation: Observation): void {
  const { view, isRestartByFault, r5Hs, sample, stepS } = observation
  const { page, i, context } = view
  const { status } = page
  const { thresholds } = context
  countRestarts(observation)
  const missing = boardsMissing(observation)
  const boards = faultVerdict(observation, missing)
  const error = faultVerdict(observation, sample.criticalErrors)
  status.boardsClock[i] = moved(valueAt(status.boardsClock, i), boards, stepS)
  status.errorClock[i] = moved(valueAt(status.errorClock, i), error, stepS)
  const costsRate = r5Hs !== UNKNOWN && r5Hs * 100 < thresholds.errorRatePct * scaledHs(view)
  const isErrorFelt = error === 'holds' && costsRate
  if (boards === 'holds' && hasHeld(valueAt(status.boardsClock, i), thresholds.boardsS)) {
    latchBroken(page, i, (missing ?? 0) > (sample.boardsDisabled ?? 0) ? 'boards_lost' : 'board_disabled')
  }
  if (isErrorFelt && hasHeld(valueAt(status.errorClock, i), thresholds.errorS)) {
    latchBroken(page, i, 'critical_error')
  }
  if (isRestartByFault && recentRestarts(observation) >= thresholds.restarts) latchBroken(page, i, 'restarts')
  if (valueAt(status.broken, i) === 0) return
  const isClean = boards !== 'holds' && !isErrorFelt && !isRestartByFault
  const repaired = !isClean ? 'gone' : hasFact(page, i, FACT.hashing) ? 'holds' : 'unknown'
  status.repairedClock[i] = moved(valueAt(status.repairedClock, i), repaired, stepS)
  if (hasHeld(valueAt(status.repairedClock, i), thresholds.repairedS)) unlatchBroken(page, i)
}

/** That a fault is gone is believed at any time; that it is there, only where it would be one. */
function faultVerdict({ isJudged }: Observation, faults: number | null): Verdict {
  if (faults === 0) return 'gone'
  return faults !== null && isJudged ? 'holds' : 'unknown'
}

/** Keeps the newest restarts by fault. Those before half an hour of hashing are forgiven. */
function countRestarts({
  view: { page, i, context },
  r5Hs,
  stepS,
  atS,
  isRestart,
  isRestartByFault,
}: Observation): void {
  const { status, restarts } = page
  const first = i * RESTARTS_KEPT
  if (isRestart) status.hashingClock[i] = 0
  const verdict = hasFact(page, i, FACT.hashing) ? 'holds' : r5Hs === UNKNOWN ? 'unknown' : 'gone'
  status.hashingClock[i] = moved(valueAt(status.hashingClock, i), verdict, stepS)
  if (hasHeld(valueAt(status.hashingClock, i), context.thresholds.restartHashingS)) {
    restarts.atS.fill(0, first, first + RESTARTS_KEPT)
  }
  if (!isRestartByFault) return
  restarts.atS.copyWithin(first + 1, first, first + RESTARTS_KEPT - 1)
  restarts.atS[first] = atS
}
