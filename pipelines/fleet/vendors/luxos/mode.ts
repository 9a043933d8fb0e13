import type { Reading } from '../../reading.ts'
import type { Mode } from '../../telemetry.ts'
import type { Place } from '../reading/place.ts'

/** What the words for curtailment say of the intent to mine. */
const INTENTS: Readonly<Record<string, boolean>> = { none: true, wakeup: true, sleep: false }

/** The intent by the curtailment that is set; the mode by it, then by the tuner. Each profile is a normal mode. */
export function modeOf(config: Place): Pick<Reading, 'mode' | 'status_raw' | 'is_mining'> {
  const curtailment = config.at('CurtailMode').word()
  const isMining = Object.hasOwn(INTENTS, curtailment) ? (INTENTS[curtailment] ?? null) : null
  return {
    mode: isMining === false ? 'sleep' : tunerMode(config.at('IsTuning').flag()),
    status_raw: config.at('SystemStatus').text(),
    is_mining: isMining,
  }
}

function tunerMode(isTuning: boolean | null): Mode | null {
  if (isTuning === null) return null
  return isTuning ? 'tuning' : 'normal'
}
