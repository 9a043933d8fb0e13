import { intendedPowerW, intendedRateHs } from '../live/intended.ts'
import { valueAt } from '../live/memory.ts'
import { windowsAt } from '../live/windows.ts'
import type { WindowState } from '../live/windows.ts'
import type { Repair, WorkerContext } from './context.ts'
import type { WorkerPage } from './memory.ts'

/** One worker at one log time: what a rule may look at. */
export interface View {
  readonly page: WorkerPage
  readonly i: number
  readonly context: WorkerContext
  readonly atMs: number
  /** H* and W* without a window; 0: not known. */
  readonly intendedHs: number
  readonly intendedW: number
  readonly window: WindowState
  readonly repair: Repair | null
}

/** The view of a worker. */
export function viewAt(page: WorkerPage, i: number, atMs: number, context: WorkerContext): View {
  const { intent, thresholds, windows, repairs, model } = context
  const deviceNominalHs = valueAt(page.live.deviceNominalHs, i)
  const intendedHs = intendedRateHs(intent, deviceNominalHs, thresholds.plausible)
  const intendedW = intendedPowerW(intent, intendedHs)
  return {
    page,
    i,
    context,
    atMs,
    intendedHs,
    intendedW,
    window: windowsAt(windows, atMs, model.rampMs, intendedW),
    repair: repairs.find(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs) ?? null,
  }
}

/** H* under the target of a window. Under a window without any work it is the rate that the machine would have. */
export function scaledHs({ intendedHs, window }: View): number {
  return window.targetPct === 100 || window.targetPct === 0
    ? intendedHs
    : (intendedHs * window.targetPct) / 100
}

/** Whether a window, the ramp after it, or a repair keeps all but safety silent, and faults from being faults. */
export function isExcused({ window, repair }: View): boolean {
  return window.isActive || window.isMaintenance || window.isRamping || repair !== null
}
