import type { Account, Cost, Reservation } from '../../schemas/records.ts'
import { dayOf } from './account.ts'
import { effective } from './rules.ts'
import type { AccountRules } from './rules.ts'
import { DAY_MS } from '../../schemas/units.ts'

/** Days of log time whose spend is remembered; a cost for an older one counts as over a limit. */
export const SPEND_DAYS_MAX = 50

/** Reservations of a node, open ones and expired ones whose cost may still come. */
export const RESERVATIONS_MAX = 100

/** The budget of a day, as a cost or a reservation finds it. */
export interface Budget {
  readonly day: number
  /** Payable costs of the day plus what is reserved of the day. */
  readonly spentNanoUsd: bigint
  /** 0: no limit. */
  readonly limitNanoUsd: bigint
  /** False: the day is older than what is remembered. */
  readonly isKnown: boolean
}

/** The budget of a day, without the amount that the reservation `except` holds. */
export function budgetOf(
  account: Account,
  rules: AccountRules,
  day: number,
  nowMs: number,
  except?: Reservation,
): Budget {
  let spentNanoUsd = 0n
  for (const spend of account.spend_days) if (spend.day === day) spentNanoUsd = spend.nano_usd
  for (const reservation of account.reservations) {
    if (reservation.day !== day || reservation === except || !isOpen(reservation, nowMs)) continue
    spentNanoUsd += BigInt(reservation.nano_usd)
  }
  const limit = effective(account, rules, 'metered_daily_limit_usd')
  return {
    day,
    spentNanoUsd,
    limitNanoUsd: BigInt(Number(limit ?? 0)),
    isKnown: day > dayOf(nowMs) - SPEND_DAYS_MAX,
  }
}

/** Whether `nanoUsd` more stays within the day's limit; a sum exactly at the limit does. */
export function hasRoom(budget: Budget, nanoUsd: bigint): boolean {
  if (budget.limitNanoUsd === 0n) return true
  return budget.isKnown && budget.spentNanoUsd + nanoUsd <= budget.limitNanoUsd
}

/** Counts a payable cost on its day, and forgets the days for which no cost can come any more. */
export function spend(account: Account, day: number, nanoUsd: bigint, nowMs: number): void {
  const days = account.spend_days
  const oldest = dayOf(nowMs) - SPEND_DAYS_MAX
  while (days.length > 0 && (days[0]?.day ?? 0) <= oldest) days.shift()
  if (day <= oldest) return
  let at = days.length
  while (at > 0 && (days[at - 1]?.day ?? 0) > day) at--
  const before = days[at - 1]
  if (before?.day === day) before.nano_usd += nanoUsd
  else days.splice(at, 0, { day, nano_usd: nanoUsd })
}

/**
 * A cost that is received later than this after its work is back-dated: possibly nothing was ever held to the limit of
 * that day.
 */
export const BACK_DATED_MS = DAY_MS

/** True for a cost that came so late. Never true for a cost of a reservation, whose day was fixed when it was made. */
export function isBackDated({ occurred_at, received_at, reservation_id }: Cost): boolean {
  return reservation_id === null && received_at - occurred_at > BACK_DATED_MS
}

/**
 * Whether the day of receipt has room for a back-dated cost. Back-dated costs have a sum of their own for each day, held
 * to the same limit, so that the limits of fifty days cannot be paid at once. They use up nothing of the day's own
 * budget.
 */
export function hasBackDatedRoom(account: Account, cost: Cost, limitNanoUsd: bigint): boolean {
  if (limitNanoUsd === 0n) return true
  return backDatedOn(account, cost) + BigInt(cost.cost_nano_usd) <= limitNanoUsd
}

/** Counts a back-dated cost on its day of receipt. */
export function spendBackDated(account: Account, cost: Cost): void {
  const spent = backDatedOn(account, cost)
  account.back_dated_day = Math.max(account.back_dated_day, dayOf(cost.received_at))
  account.back_dated_nano_usd = spent + BigInt(cost.cost_nano_usd)
}

/** A replay may bring a receipt from an earlier day: it counts on the newest day that there was. */
function backDatedOn(account: Account, { received_at }: Cost): bigint {
  return dayOf(received_at) > account.back_dated_day ? 0n : account.back_dated_nano_usd
}

/** An expired reservation holds nothing of the day any more, but its cost still counts on its day. */
export function isOpen(reservation: Reservation, nowMs: number): boolean {
  return reservation.expires_at > nowMs
}

/** Adds a reservation. Where there are as many as allowed, an expired one makes room. False where all of them are open. */
export function addReservation(account: Account, reservation: Reservation, nowMs: number): boolean {
  if (account.reservations.length >= RESERVATIONS_MAX) {
    const expired = account.reservations.findIndex((other) => !isOpen(other, nowMs))
    if (expired === -1) return false
    account.reservations.splice(expired, 1)
  }
  account.reservations.push(reservation)
  return true
}

export function removeReservation(account: Account, reservation: Reservation): void {
  account.reservations = account.reservations.filter((other) => other !== reservation)
}
