import type { AdapterInput } from '../adapter.ts'
import type { Place } from './place.ts'
import { rateUnit } from './quantities.ts'
import { GIGA } from '../../../../schemas/units.ts'

const LABEL = 'GH'

/**
 * H/s of one unit of this machine's rates. The keys say GH/s; machines for Scrypt and X11 show MH/s under the same keys, and
 * old ones have no field that says so. So the model record decides, then the answer's own unit, then the label.
 */
export function labelUnitHs({ context, warnings }: AdapterInput, shown: Place): number {
  const fromModel = rateUnit(context.model?.labelUnit ?? '')
  const labelHs = shown.rateUnitHs() ?? GIGA
  if (fromModel === null || fromModel === labelHs) return labelHs
  warnings.note('unit_from_model', `${prefixOf(labelHs)}->${prefixOf(fromModel)}`)
  return fromModel
}

/** The unit in words of our own: what the answer wrote is not passed on. */
function prefixOf(unitHs: number): string {
  return ['kH', 'MH', LABEL, 'TH', 'PH'].find((unit) => rateUnit(unit) === unitHs) ?? 'H'
}
