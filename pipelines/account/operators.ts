import type { Account, AccountOperator } from '../../schemas/records.ts'
import { currentOperator, touch } from './account.ts'
import type { AccountRows } from './account.ts'
import { settle } from './settlement.ts'

/** Most operators that a node may have over time. */
export const OPERATORS_MAX = 8

/**
 * An event, heartbeat, join or claim named an operator. The first one becomes the node's operator; what was written off
 * because there was none is paid to it at once. Other names change nothing. A command whose caller may say whose a node
 * is confirms the operator separately. True where the operator became the node's.
 */
export function nameOperator(
  account: Account,
  operatorId: string,
  nowMs: number,
  rows: AccountRows,
): boolean {
  if (account.operators.length > 0) return false
  account.operators.push({ ...newOperator(operatorId, nowMs), remainder: account.unclaimed_remainder })
  account.unclaimed_remainder = 0
  touch(account, nowMs)
  settle(account, 'claimed', nowMs, rows)
  return true
}

/**
 * Gives the node to another operator from here on. What is pending was earned under the operator before, who is paid for
 * it at once. False where the node has had as many operators as it may.
 */
export function transfer(account: Account, operatorId: string, nowMs: number, rows: AccountRows): boolean {
  const known = account.operators.find((operator) => operator.operator_id === operatorId)
  if (known === undefined && account.operators.length >= OPERATORS_MAX) return false
  if (currentOperator(account) === known && known !== undefined) return true
  settle(account, 'transferred', nowMs, rows)
  const operator = known ?? newOperator(operatorId, nowMs)
  operator.since = nowMs
  account.operators = [...account.operators.filter((other) => other !== known), operator]
  touch(account, nowMs)
  return true
}

/**
 * A caller with the right to say so confirmed the operator, the present one or an earlier one: from now on the node gives
 * a right to the operator's wallet, which lists the node. This is permanent: what was earned was earned for this
 * operator. False where the node has never had it.
 */
export function confirmOperator(account: Account, operatorId: string, nowMs: number): boolean {
  const operator = account.operators.find((other) => other.operator_id === operatorId)
  if (operator === undefined) return false
  if (operator.confirmed) return true
  operator.confirmed = true
  touch(account, nowMs)
  return true
}

function newOperator(operatorId: string, nowMs: number): AccountOperator {
  return {
    operator_id: operatorId,
    since: nowMs,
    micro_spark: 0n,
    entries: 0,
    last_entry_at: null,
    remainder: 0,
    confirmed: false,
  }
}
