import type { Mode } from '../../telemetry.ts'
import type { AdapterInput } from '../adapter.ts'
import type { Place } from '../reading/place.ts'
import { statsBody } from './stats-body.ts'

/** By the number of the work mode. */
const MODES: Readonly<Record<number, Mode>> = { 0: 'normal', 1: 'sleep', 3: 'low' }

/** The mode that is set, and so the intent. Old firmware does not show it: then both are null, whatever the rate is. */
export function modeOf(
  { answers }: AdapterInput,
  stats: Place,
): { mode: Mode | null; isMining: boolean | null } {
  const conf = answers.of('get_miner_conf.cgi', 'get_miner_conf')
  const shown =
    conf.any('bitmain-work-mode', 'miner-mode').count() ?? statsBody(stats).at('miner-mode').count()
  const mode = shown === null ? null : (MODES[shown] ?? null)
  return { mode, isMining: mode === null ? null : mode !== 'sleep' }
}
