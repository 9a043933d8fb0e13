import type { Mode } from '../../telemetry.ts'
import type { Place } from '../reading/place.ts'

const MODES: readonly (readonly [RegExp, Mode])[] = [
  [/sleep|standby|idle/, 'sleep'],
  [/^low/, 'low'],
  [/^high/, 'high'],
  [/^normal/, 'normal'],
]
const STOPPED = /sleep|standby|stop|suspend|idle/

/** The mode that is set, and whether the power manager is told to run: that is the intent. A mode of the site's own is null. */
export function modeOf(stats: Place): { mode: Mode | null; is_mining: boolean | null } {
  const state = stats.at('PM State').word()
  const set = stats.at('Mining Mode').word()
  const mode = STOPPED.test(state) ? 'sleep' : (MODES.find(([word]) => word.test(set))?.[1] ?? null)
  const isKnown = state !== '' || set !== ''
  return { mode, is_mining: isKnown ? mode !== 'sleep' : null }
}
