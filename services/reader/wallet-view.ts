import type { WalletView } from '../../schemas/http/wallets.ts'
import { formatTimeOrNull } from '../http/times.ts'
import { sparkNumber } from './amounts.ts'
import type { NodeState } from './present.ts'

/** A wallet: what each of its nodes has earned for the operator, and the sum. */
export function walletView(
  operatorId: string,
  states: readonly NodeState[],
  asOfMs: number | null,
): WalletView {
  const earned = states.flatMap(({ account }) =>
    account.operators
      .filter((operator) => operator.operator_id === operatorId)
      .map((operator) => ({ nodeId: account.node_id, operator })),
  )
  const balance = earned.reduce((sum, { operator }) => sum + operator.micro_spark, 0n)
  return {
    operator_id: operatorId,
    balance_spark: sparkNumber(balance),
    balance_micro_spark: balance,
    nodes: earned.map(({ nodeId, operator }) => ({
      node_id: nodeId,
      spark: sparkNumber(operator.micro_spark),
      micro_spark: operator.micro_spark,
      entries: operator.entries,
      last_entry_at: formatTimeOrNull(operator.last_entry_at),
    })),
    as_of: formatTimeOrNull(asOfMs),
  }
}
