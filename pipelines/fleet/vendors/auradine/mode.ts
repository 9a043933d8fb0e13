import type { Mode } from '../../telemetry.ts'
import type { Place } from '../reading/place.ts'

const MODES: Readonly<Record<string, Mode>> = { normal: 'normal', eco: 'low', turbo: 'high' }

export interface ModeReading {
  readonly mode: Mode | null
  readonly is_mining: boolean | null
}

/** The mode that is set: `Sleep` is a text, "on". A mode with a site's own limits is none of ours: null. */
export function modeOf(mode: Place): ModeReading {
  const isAsleep = mode.at('Sleep').flag()
  const set = mode.at('Mode').word()
  const known = Object.hasOwn(MODES, set) ? (MODES[set] ?? null) : null
  return { mode: isAsleep === true ? 'sleep' : known, is_mining: isAsleep === null ? null : !isAsleep }
}
