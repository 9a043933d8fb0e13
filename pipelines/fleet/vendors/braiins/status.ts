import type { Mode } from '../../telemetry.ts'

/** The states of the miner, by the numbers that the public interface gives them. */
const STATES: Readonly<Record<string, string>> = {
  '1': 'NOT_STARTED',
  '2': 'NORMAL',
  '3': 'PAUSED',
  '4': 'SUSPENDED',
  '5': 'RESTRICTED',
}
const NAMES: ReadonlySet<string> = new Set(Object.values(STATES))

/** States of the tuner of which the mode follows. */
const TUNER_MODES: Readonly<Record<string, Mode>> = {
  '1': 'normal',
  '2': 'normal',
  '3': 'tuning',
  disabled: 'normal',
  stable: 'normal',
  running: 'tuning',
}

/** The state's name, of its number or its name, with or without the prefix that gRPC gives it; null for any other text. */
export function stateName(shown: string): string | null {
  const name = Object.hasOwn(STATES, shown)
    ? (STATES[shown] ?? '')
    : shown.toUpperCase().replace(/^MINER_STATUS_/, '')
  return NAMES.has(name) ? name : null
}

/** A pause is a decision. Why the miner has not started, or was suspended or restricted, its state does not say. */
export function intentOf(state: string | null): boolean | null {
  if (state === 'PAUSED') return false
  return state === 'NORMAL' ? true : null
}

/** Of the miner's state and the tuner's, a number or a word. */
export function modeOf(state: string | null, tuner: string): Mode | null {
  if (state === 'PAUSED') return 'sleep'
  return Object.hasOwn(TUNER_MODES, tuner) ? (TUNER_MODES[tuner] ?? null) : null
}
