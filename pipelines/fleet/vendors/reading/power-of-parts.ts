import type { Reading } from '../../reading.ts'
import { sumOfAll } from '../../sums.ts'
import type { Warnings } from './warnings.ts'

/**
 * The watts of a machine whose parts are measured one by one: supplies, cards. Where a part is missing, the sum of the others
 * is only what the machine draws at least, with the warning `power_partial`; where no part is known, nothing is.
 */
export function powerOfParts(
  partsW: readonly (number | null)[],
  hasAllParts: boolean,
  warnings: Warnings,
): Pick<Reading, 'power_w' | 'power_lower_bound_w'> {
  const known = partsW.filter((watts) => watts !== null)
  if (known.length === 0) return {}
  if (hasAllParts && known.length === partsW.length) return { power_w: sumOfAll(known) }
  warnings.note('power_partial')
  return { power_lower_bound_w: sumOfAll(known) }
}
