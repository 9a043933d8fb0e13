import type { MachineContext } from '../../poll.ts'
import type { Warnings } from './warnings.ts'

/**
 * How many cards of the inventory are not among those that a host lists, with the warning `gpu_missing`: a card that falls off
 * the bus is not shown as broken, it is not shown at all. 0 where the inventory does not know how many there are.
 */
export function missingGpus(listed: number, { gpusExpected }: MachineContext, warnings: Warnings): number {
  const missing = Math.max(0, (gpusExpected ?? listed) - listed)
  if (missing > 0) warnings.note('gpu_missing', String(missing))
  return missing
}
