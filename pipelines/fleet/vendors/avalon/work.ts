import type { Place } from '../reading/place.ts'

/** What the module says of its work; null for what it does not say. */
export interface Work {
  /** `In Work`, as the machine writes it. */
  readonly shown: string | null
  /** True while the module works on the pools' jobs. */
  readonly isWorking: boolean | null
  /** Switched off by a command. */
  readonly isOff: boolean | null
  /** The intent. */
  readonly isMining: boolean | null
}

const STATE_CHARACTERS_MAX = 32

/** Reads `SYSTEMSTATU[Work: In Work, Hash Board: 3 ]`, and the reason for being switched off, which is 0 for none. */
export function workOf(parts: Place): Work {
  const state = stateOf(parts.at('systemstatu'))
  const isWorking = state === '' ? null : state === 'in work'
  const reason = parts.at('softoff', 0).count()
  const isOff = reason === null ? null : reason > 0
  return {
    shown: state === '' ? null : capitalised(state),
    isWorking,
    isOff,
    isMining: intentOf(isWorking, isOff),
  }
}

/** Idle, and neither switched off nor on: whether that is meant is unknown. */
function intentOf(isWorking: boolean | null, isOff: boolean | null): boolean | null {
  if (isOff === true) return false
  if (isWorking === true) return true
  return isOff === null && isWorking === false ? false : null
}

/** The words from `Work:` to the comma; '' where they are none. */
function stateOf(status: Place): string {
  const words = status.items().map((word) => word.word())
  const start = words.indexOf('work:') + 1
  const end = words.findIndex((word, at) => at >= start && word.endsWith(','))
  const state = words
    .slice(start, end < 0 ? start : end + 1)
    .join(' ')
    .replace(/,$/, '')
  return start > 0 && /^[a-z ]+$/.test(state) && state.length <= STATE_CHARACTERS_MAX ? state : ''
}

/** Parts are read in lower case; the machine writes each word with a capital. */
function capitalised(state: string): string {
  return state.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase())
}
