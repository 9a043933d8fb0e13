import type { Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import type { Place } from '../reading/place.ts'
import { readQuantity } from '../reading/quantities.ts'
import { statsBody } from './stats-body.ts'

/** Watts are called `watt` or `power` by model. Some models show them on a port of their own only, as a text `…:3405W`. */
export function watts(
  { answers, warnings }: AdapterInput,
  stats: Place,
): Pick<Reading, 'power_w' | 'power_source'> {
  const shown = statsBody(stats).any('watt', 'power').powerW()
  const [, text] = /:\s*(\d[\d.,]{0,15}\s?W)\b/i.exec(answers.text('miner_power') ?? '') ?? []
  return {
    power_w: shown ?? readQuantity({ raw: text, label: 'miner_power', warnings }, 'powerW'),
    power_source: 'miner',
  }
}
