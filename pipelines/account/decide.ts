import type { Account, Cost, Reservation } from '../../schemas/records.ts'
import type { Decision } from '../../schemas/tables.ts'
import { currentOperator, dayOf, touch } from './account.ts'
import type { AccountRows } from './account.ts'
import {
  budgetOf,
  hasBackDatedRoom,
  hasRoom,
  isBackDated,
  removeReservation,
  spend,
  spendBackDated,
} from './budget.ts'
import type { Budget } from './budget.ts'
import { isMinimumPaid } from './caps.ts'
import { effective } from './rules.ts'
import type { AccountRules } from './rules.ts'
import { settleIfDue, sparkOf } from './settlement.ts'

/**
 * Decides one cost, and settles where the pending Spark has reached the minimum. A cost is never judged again when the
 * policy changes. Returns the reservation that it used up, or null where it used none.
 */
export function decideCost(
  account: Account,
  cost: Cost,
  rules: AccountRules,
  nowMs: number,
  rows: AccountRows,
): Reservation | null {
  const nanoUsd = BigInt(cost.cost_nano_usd)
  const reservation = reservationOf(account, cost)
  if (nanoUsd === 0n) return useUp(account, reservation, nowMs)
  const day = reservation?.day ?? dayOf(cost.occurred_at)
  const budget = budgetOf(account, rules, day, nowMs, reservation)
  const backDated = isBackDated(cost)
  const decision = judge(account, rules, budget, cost)
  if (backDated) rows.anomaly(decision === 'over_limit' ? 'back_dated_over_limit' : 'back_dated')
  const operator = currentOperator(account)
  account.cost_seq++
  account.rules_version = rules.version
  let microSpark = 0n
  if (decision === 'pending' || decision === 'written_off') {
    const earned = sparkOf(nanoUsd, rules, operator?.remainder ?? account.unclaimed_remainder)
    microSpark = earned.microSpark
    const { beyondMicroSpark: beyond } = earned
    if (beyond > 0n && !isMinimumPaid(account, rules, beyond, nowMs, rows)) microSpark -= beyond
    if (operator === undefined) account.unclaimed_remainder = earned.remainder
    else operator.remainder = earned.remainder
    owe(account, nanoUsd, microSpark, nowMs)
    spend(account, day, nanoUsd, nowMs)
    if (backDated) spendBackDated(account, cost)
    if (reservation !== undefined) removeReservation(account, reservation)
  }
  touch(account, nowMs)
  rows.decided(account, {
    cost,
    costSeq: account.cost_seq,
    operatorId: operator?.operator_id ?? '',
    decision,
    microSpark,
    decidedAtMs: nowMs,
    rules,
    budget,
  })
  settleIfDue(account, rules, nowMs, rows)
  const isPayable = decision === 'pending' || decision === 'written_off'
  return isPayable ? (reservation ?? null) : null
}

/** A cost of nothing, and own work, is neither decided nor paid: what was reserved for it is given back. */
function useUp(account: Account, reservation: Reservation | undefined, nowMs: number): Reservation | null {
  if (reservation === undefined) return null
  removeReservation(account, reservation)
  touch(account, nowMs)
  return reservation
}

/** The rules in their order (http-api, "Rules behind the numbers"). A refused cost uses up nothing. */
function judge(account: Account, rules: AccountRules, budget: Budget, cost: Cost): Decision {
  if (effective(account, rules, 'allow_metered_for_hive') !== true) return 'not_allowed'
  if (!hasRoom(budget, BigInt(cost.cost_nano_usd))) return 'over_limit'
  if (isBackDated(cost) && !hasBackDatedRoom(account, cost, budget.limitNanoUsd)) return 'over_limit'
  return currentOperator(account) === undefined ? 'written_off' : 'pending'
}

function reservationOf(account: Account, cost: Cost): Reservation | undefined {
  if (cost.reservation_id === null) return undefined
  return account.reservations.find(({ reservation_id }) => reservation_id === cost.reservation_id)
}

function owe(account: Account, nanoUsd: bigint, microSpark: bigint, nowMs: number): void {
  if (currentOperator(account) === undefined) {
    account.unclaimed_count++
    account.unclaimed_nano_usd += nanoUsd
    account.unclaimed_micro_spark += microSpark
  } else {
    account.pending_count++
    account.pending_nano_usd += nanoUsd
    account.pending_micro_spark += microSpark
    account.pending_since ??= nowMs
  }
}
