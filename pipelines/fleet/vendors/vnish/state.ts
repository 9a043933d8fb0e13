import type { ErrorReading } from '../../reading.ts'
import type { Mode } from '../../telemetry.ts'
import type { Place } from '../reading/place.ts'
import { slotOf } from './boards.ts'

/** What the miner's state says: a mode, and the intent. A failure is no decision: the machine should mine. */
const STATES: Readonly<Record<string, { readonly mode: Mode | null; readonly isMining: boolean }>> = {
  mining: { mode: 'normal', isMining: true },
  'auto-tuning': { mode: 'tuning', isMining: true },
  initializing: { mode: null, isMining: true },
  starting: { mode: null, isMining: true },
  restarting: { mode: null, isMining: true },
  failure: { mode: null, isMining: true },
  'shutting-down': { mode: 'sleep', isMining: false },
  stopped: { mode: 'sleep', isMining: false },
}

/** The miner's state; null for what it does not say. */
export interface State {
  readonly shown: string | null
  readonly mode: Mode | null
  readonly isMining: boolean | null
}

export function stateOf(status: Place): State {
  const place = status.at('miner_state')
  const said = Object.hasOwn(STATES, place.word()) ? STATES[place.word()] : undefined
  return { shown: place.text(), mode: said?.mode ?? null, isMining: said?.isMining ?? null }
}

/** Chains that are looked at. */
const CHAINS_MAX = 16

/** The failure of the miner, and those of its chains; null where the miner's state is not known. */
export function errorsOf(miner: Place, state: State): ErrorReading[] | null {
  if (state.isMining === null) return null
  const status = miner.at('miner_status')
  const code = status.at('failure_code').number()
  const own: ErrorReading[] =
    code === null || code === 0
      ? []
      : [{ vendor_code: String(code), component: 'device', message: status.at('description').text() }]
  const chains = miner.at('chains').items().slice(0, CHAINS_MAX)
  const ofChains = chains.flatMap((chain, at): ErrorReading[] => {
    if (chain.at('status', 'state').word() !== 'failure') return []
    const slot = slotOf(chain, at)
    return [
      {
        vendor_code: 'failure',
        component: 'hashboard',
        slot,
        message: chain.at('status', 'description').text(),
      },
    ]
  })
  return [...own, ...ofChains]
}
