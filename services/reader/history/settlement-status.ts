import type { EventDecision, SettlementStatus } from '../../../schemas/http/usage.ts'

/**
 * The one word for what became of a cost, on every route that shows one: a payable cost that a settlement has paid is
 * settled; everything else has the status that was decided. Null while the decision is not known yet.
 */
export function settlementStatusOf(
  decision: EventDecision | null,
  isSettled: boolean,
): SettlementStatus | null {
  const isPayable = decision === 'pending' || decision === 'written_off'
  return isPayable && isSettled ? 'settled' : decision
}
