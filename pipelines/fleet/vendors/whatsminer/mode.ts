import type { Mode } from '../../telemetry.ts'

/** The words for how much power the machine is allowed. */
const POWER_MODES: Readonly<Record<string, Mode>> = { low: 'low', normal: 'normal', high: 'high' }

/** What a machine says of its mode; null for what it does not say. */
interface SaidOfMode {
  /** Switched off by a command. */
  readonly isOff: boolean | null
  /** False while it looks for the frequencies that its chips can bear, for some minutes after the start. */
  readonly isTuned: boolean | null
  /** In lower case; '' where it names none. */
  readonly named: string
}

/** Off before all, then tuning, then the mode of power that is set. */
export function modeOf({ isOff, isTuned, named }: SaidOfMode): Mode | null {
  if (isOff === true) return 'sleep'
  if (isTuned === false) return 'tuning'
  return Object.hasOwn(POWER_MODES, named) ? (POWER_MODES[named] ?? null) : null
}
