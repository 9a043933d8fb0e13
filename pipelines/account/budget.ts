import type { Account, Reservation } from '../../schemas/records.ts'
import { dayOf } from './account.ts'
import { effective } from './rules.ts'
import type { AccountRules } from './rules.ts'

/** Days of log time whose spend is remembered; a cost for an older one counts as over a limit. */
export const SPEND_DAYS_MAX = 50

/** Reservations of a node, open ones and expired ones whose cost may still come. */
export const RESERVATIONS_MAX = 100

/** A day's budget as a cost or a reservation finds it. */
export interface Budget {
  readonly day: number
  /** Payable costs of the day, and what is reserved of it. */
  readonly spentNanoUsd: bigint
  /** 0: no limit. */
  readonly limitNanoUsd: bigint
  /** False: the day is older than what is remembered. */
  readonly isKnown: boolean
}

/** The budget of a day, without what the reservation `except` holds of it. */
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

/** Whether so much more stays within the day's limit; exactly the limit does. */
export function hasRoom(budget: Budget, nanoUsd: bigint): boolean {
  if (budget.limitNanoUsd === 0n) return true
  return budget.isKnown && budget.spentNanoUsd + nanoUsd <= budget.limitNanoUsd
}

/** Counts a payable cost on its day, and forgets days that no cost can be for any more. */
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

/** An expired reservation holds nothing of the day any more; its cost still counts on its day. */
export function isOpen(reservation: Reservation, nowMs: number): boolean {
  return reservation.expires_at > nowMs
}

export function openReservations(account: Account, nowMs: number): readonly Reservation[] {
  return account.reservations.filter((reservation) => isOpen(reservation, nowMs))
}

/** Adds a reservation; an expired one makes room where there are as many as may be. False where all are open. */
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
