import type { WalletView } from '../../../schemas/http/wallets.ts'
import { formatTimeOrNull } from '../../http/times.ts'
import { sparkNumber } from '../amounts.ts'
import type { NodeState } from './present.ts'

/**
 * A wallet: what each of its nodes has earned for the operator, and the sum. Nodes whose operator is not confirmed are
 * one line, so that the parts add up, and a node that names a foreign operator does not get onto that operator's list.
 */
export function walletView(
  operatorId: string,
  states: readonly Pick<NodeState, 'account'>[],
  asOfMs: number | null,
): WalletView {
  const earned = states.flatMap(({ account }) =>
    account.operators
      .filter((operator) => operator.operator_id === operatorId)
      .map((operator) => ({ nodeId: account.node_id, operator })),
  )
  const confirmed = earned.filter(({ operator }) => operator.confirmed)
  const unconfirmed = earned.filter(({ operator }) => !operator.confirmed)
  const balance = sumOf(earned)
  const unconfirmedSum = sumOf(unconfirmed)
  return {
    operator_id: operatorId,
    balance_spark: sparkNumber(balance),
    balance_micro_spark: balance,
    nodes: confirmed.map(({ nodeId, operator }) => ({
      node_id: nodeId,
      spark: sparkNumber(operator.micro_spark),
      micro_spark: operator.micro_spark,
      entries: operator.entries,
      last_entry_at: formatTimeOrNull(operator.last_entry_at),
    })),
    unconfirmed: {
      nodes: unconfirmed.length,
      spark: sparkNumber(unconfirmedSum),
      micro_spark: unconfirmedSum,
    },
    as_of: formatTimeOrNull(asOfMs),
  }
}

function sumOf(earned: readonly { readonly operator: { readonly micro_spark: bigint } }[]): bigint {
  return earned.reduce((sum, { operator }) => sum + operator.micro_spark, 0n)
}
