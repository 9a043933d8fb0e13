/**
 * Times in which a machine is meant to do less than usual. A maintenance window is another matter: it puts the machine
 * into the status In Maintenance.
 */
export type WindowKind =
  | 'curtailment'
  | 'maintenance'
  | 'isp'
  | 'grid'
  | 'heat'
  | 'weather'
  | 'infrastructure'
  | 'regulation'
  | 'customer_pause'

/** What a worker may use in a window: nothing, so many watts, or so many percent of its intended rate and watts. */
export type WindowTarget = 'off' | { readonly watts: number } | { readonly pct: number }

/** A window over one worker, half-open, log time; `endsAtMs` is Infinity while no end is known. */
export interface Window {
  readonly kind: WindowKind
  readonly target: WindowTarget
  readonly startsAtMs: number
  readonly endsAtMs: number
}

/** What the windows over one worker say together at one time. */
export interface WindowState {
  /** A window other than maintenance is active. */
  readonly isActive: boolean
  readonly isMaintenance: boolean
  /** The machine may do more again for less than a ramp, and is not yet expected to. */
  readonly isRamping: boolean
  /** Percent of the intended rate and watts: the lowest target of the active windows; 100 without one. */
  readonly targetPct: number
  /** Since when the target is as low as that. */
  readonly fellAtMs: number
  /** When the event began that the active windows are parts of; 0 without one. */
  readonly eventFromMs: number
}

/** Windows that overlap, or follow each other without a gap, are one event. */
export interface WindowEvent {
  readonly startsAtMs: number
  readonly endsAtMs: number
  readonly windows: readonly Window[]
}

const NO_WINDOW: WindowState = {
  isActive: false,
  isMaintenance: false,
  isRamping: false,
  targetPct: 100,
  fellAtMs: 0,
  eventFromMs: 0,
}

/** The windows as events, in order of their beginning. */
export function mergeWindows(windows: readonly Window[]): WindowEvent[] {
  const events: WindowEvent[] = []
  for (const window of windows.toSorted((left, right) => left.startsAtMs - right.startsAtMs)) {
    const last = events.at(-1)
    if (last === undefined || window.startsAtMs > last.endsAtMs) {
      events.push({ startsAtMs: window.startsAtMs, endsAtMs: window.endsAtMs, windows: [window] })
    } else {
      const endsAtMs = Math.max(last.endsAtMs, window.endsAtMs)
      events[events.length - 1] = { ...last, endsAtMs, windows: [...last.windows, window] }
    }
  }
  return events
}

/**
 * What the windows say at a time. `rampMs`: how long the machine needs to come back; `intendedW`: its watts without a
 * window, 0 if unknown (a target in watts is then taken as no limit, but the window is active all the same).
 */
export function windowsAt(
  windows: readonly Window[],
  atMs: number,
  rampMs: number,
  intendedW: number,
): WindowState {
  if (windows.length === 0) return NO_WINDOW
  const active = windows.filter(({ startsAtMs, endsAtMs }) => startsAtMs <= atMs && atMs < endsAtMs)
  const targetPct = Math.min(100, ...active.map((window) => targetOf(window, intendedW)))
  const lowest = active.filter((window) => targetOf(window, intendedW) === targetPct)
  const ended = windows.filter(({ endsAtMs }) => endsAtMs <= atMs && atMs < endsAtMs + rampMs)
  const event = mergeWindows(windows).find(
    ({ startsAtMs, endsAtMs }) => startsAtMs <= atMs && atMs < endsAtMs,
  )
  return {
    isActive: active.some(({ kind }) => kind !== 'maintenance'),
    isMaintenance: active.some(({ kind }) => kind === 'maintenance'),
    isRamping: ended.some((window) => targetOf(window, intendedW) < targetPct),
    targetPct,
    fellAtMs: lowest.length === 0 ? 0 : Math.min(...lowest.map(({ startsAtMs }) => startsAtMs)),
    eventFromMs: event?.startsAtMs ?? 0,
  }
}

/** The next time after `afterMs` at which the windows say something else; Infinity if there is none. */
export function nextWindowEdgeMs(windows: readonly Window[], afterMs: number, rampMs: number): number {
  let nextMs = Number.POSITIVE_INFINITY
  for (const { startsAtMs, endsAtMs } of windows) {
    if (startsAtMs > afterMs && startsAtMs < nextMs) nextMs = startsAtMs
    if (endsAtMs > afterMs && endsAtMs < nextMs) nextMs = endsAtMs
    if (endsAtMs + rampMs > afterMs && endsAtMs + rampMs < nextMs) nextMs = endsAtMs + rampMs
  }
  return nextMs
}

/** A machine in maintenance is not expected to do anything, whatever the window's target says. */
function targetOf({ kind, target }: Window, intendedW: number): number {
  if (target === 'off' || kind === 'maintenance') return 0
  if ('pct' in target) return target.pct
  return intendedW > 0 ? Math.min(100, (target.watts * 100) / intendedW) : 100
}
