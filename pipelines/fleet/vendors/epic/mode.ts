import type { Reading } from '../../reading.ts'
import type { Mode } from '../../telemetry.ts'
import type { Place } from '../reading/place.ts'

/** What the operating states say of the intent. A test or an update says nothing of it. */
const INTENTS: Readonly<Record<string, boolean>> = {
  mining: true,
  adjustingclockvoltage: true,
  initializing: true,
  loading: true,
  preinitcooldown: true,
  rebooting: true,
  softrebooting: true,
  idling: false,
  stopping: false,
}

/** The intent by the operating state; the mode by it, then by the tuner that never stops. */
export function modeOf(summary: Place): Pick<Reading, 'mode' | 'status_raw' | 'is_mining'> {
  const state = summary.at('Status', 'Operating State')
  const isMining = intentOf(summary, state.word())
  return { mode: modeFor(summary, isMining), status_raw: state.text(), is_mining: isMining }
}

/** The machine may be set to idle without a pool: then idling is no decision. */
function intentOf(summary: Place, state: string): boolean | null {
  const isForced =
    summary.at('IdleOnConnectionLost').flag() === true &&
    summary.at('Stratum', 'IsPoolConnected').flag() === false
  if (state === 'idling' && isForced) return null
  return Object.hasOwn(INTENTS, state) ? (INTENTS[state] ?? null) : null
}

function modeFor(summary: Place, isMining: boolean | null): Mode | null {
  if (isMining === false) return 'sleep'
  const isTuning = summary.at('PerpetualTune', 'Running').flag()
  if (isTuning === null || isMining === null) return null
  return isTuning ? 'tuning' : 'normal'
}
