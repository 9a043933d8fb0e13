import type { Cost } from '../../../schemas/records.ts'
import { beginDay, settleIfDue } from './payments.ts'
import { numberInForce, valueInForce } from './rules.ts'
import { MICRO_SPARK_PER_SPARK } from './rows.ts'
import { utcDay } from './state.ts'
import type { ModelAccount, ModelReservation, Moment } from './state.ts'

/** Days whose spend is known, today included. */
const DAYS_REMEMBERED = 50

const NANO_USD_PER_USD = 1_000_000_000n
const DAY_MS = 86_400_000

/** Nano-USD × Spark per USD is a number of thousandths of a micro-Spark. */
const PER_MICRO_SPARK = 1_000n

/** Whether a day's limit has room for this further amount, and the values by which that was judged. */
export interface DayBudget {
  readonly day: number
  readonly spent: bigint
  readonly limit: bigint
  readonly hasRoom: boolean
}

/** A day's payable costs and what open reservations hold of it, except for `used`. */
export function budgetFor(
  account: ModelAccount,
  nanoUsd: bigint,
  day: number,
  { rules, nowMs }: Moment,
  used?: ModelReservation,
): DayBudget {
  const held = account.reservations.filter(
    (reservation) => reservation !== used && reservation.day === day && nowMs < reservation.expiresAtMs,
  )
  const spent = held.reduce((sum, reservation) => sum + reservation.nanoUsd, account.spent.get(day) ?? 0n)
  const limit = numberInForce(account, rules, 'metered_daily_limit_usd')
  const isForgotten = utcDay(nowMs) - day >= DAYS_REMEMBERED
  return { day, spent, limit, hasRoom: limit === 0n || (!isForgotten && spent + nanoUsd <= limit) }
}

/** Decides one cost; returns the reservation that it used up. */
export function decide(account: ModelAccount, cost: Cost, moment: Moment): ModelReservation | null {
  const { rules, nowMs } = moment
  const nanoUsd = BigInt(cost.cost_nano_usd)
  const named = account.reservations.find(({ id }) => id === cost.reservation_id)
  if (nanoUsd === 0n) {
    if (named === undefined) return null
    account.reservations = account.reservations.filter((reservation) => reservation !== named)
    account.changedAtMs = nowMs
    return named
  }
  const budget = budgetFor(account, nanoUsd, named?.day ?? utcDay(cost.occurred_at), moment, named)
  const operator = account.operators.at(-1)
  const isAllowed = valueInForce(account, rules, 'allow_metered_for_hive') === true
  const late = moment.isCapped && named === undefined ? lateReceipt(account, cost) : null
  const hasLateRoom = late === null || budget.limit === 0n || late.nanoUsd <= budget.limit
  const isPayable = isAllowed && budget.hasRoom && hasLateRoom
  account.costSeq += 1
  account.rulesVersion = rules.version
  account.changedAtMs = nowMs
  let microSpark = 0n
  if (isPayable) {
    microSpark = earn(account, nanoUsd, moment)
    owe(account, nanoUsd, microSpark, nowMs)
    remember(account, budget.day, nanoUsd, nowMs)
    if (late !== null) Object.assign(account.lateReceipts, late)
    account.reservations = account.reservations.filter((reservation) => reservation !== named)
  }
  const payable = operator === undefined ? 'written_off' : 'pending'
  const refused = isAllowed ? 'over_limit' : 'not_allowed'
  const judged = {
    nodeId: account.nodeId,
    costSeq: account.costSeq,
    cost,
    operatorId: operator?.operatorId ?? '',
    decision: isPayable ? payable : refused,
    microSpark,
    ...budget,
  }
  moment.rows.decided(judged, rules, nowMs)
  settleIfDue(account, moment)
  return isPayable ? (named ?? null) : null
}

/** At least one whole Spark while its day has room for that; in exact mode to the micro-Spark, and the rest is carried. */
function earn(account: ModelAccount, nanoUsd: bigint, moment: Moment): bigint {
  const { sparkPerUsd, isExact } = moment.rules
  if (!isExact) {
    const whole = (nanoUsd * sparkPerUsd) / NANO_USD_PER_USD
    return whole === 0n ? least(account, nanoUsd * sparkPerUsd, moment) : whole * MICRO_SPARK_PER_SPARK
  }
  const operator = account.operators.at(-1)
  const thousandths = nanoUsd * sparkPerUsd + (operator?.remainder ?? account.unclaimedRemainder)
  const rest = thousandths % PER_MICRO_SPARK
  if (operator === undefined) account.unclaimedRemainder = rest
  else operator.remainder = rest
  return (thousandths - rest) / PER_MICRO_SPARK
}

/**
 * What the day of receipt would come to with a cost that was received more than a day after its work; null for other costs.
 */
function lateReceipt(
  { lateReceipts: { day, nanoUsd } }: ModelAccount,
  cost: Cost,
): { readonly day: number; readonly nanoUsd: bigint } | null {
  if (cost.reservation_id !== null || cost.received_at - cost.occurred_at <= DAY_MS) return null
  const ofCost = BigInt(cost.cost_nano_usd)
  const received = utcDay(cost.received_at)
  return received > day ? { day: received, nanoUsd: ofCost } : { day, nanoUsd: nanoUsd + ofCost }
}

/** One Spark, or what the cost is worth where the day has already had what may be paid beyond that. */
function least(account: ModelAccount, thousandths: bigint, { isCapped, rules, nowMs }: Moment): bigint {
  if (!isCapped) return MICRO_SPARK_PER_SPARK
  beginDay(account, nowMs)
  const { rewards } = account
  const worth = thousandths / PER_MICRO_SPARK
  const beyond = MICRO_SPARK_PER_SPARK - worth
  if (rewards.dayMinimum + beyond > rules.caps.minimumSpark * MICRO_SPARK_PER_SPARK) {
    rewards.capped.minimum += beyond
    return worth
  }
  rewards.dayMinimum += beyond
  return MICRO_SPARK_PER_SPARK
}

function owe(account: ModelAccount, nanoUsd: bigint, microSpark: bigint, nowMs: number): void {
  const isClaimed = account.operators.length > 0
  const total = isClaimed ? account.pending : account.unclaimed
  total.count += 1n
  total.nanoUsd += nanoUsd
  total.microSpark += microSpark
  if (isClaimed) account.pendingSinceMs ??= nowMs
}

/** Adds a payable cost to its day; at the same time, days that are no longer needed are forgotten. */
function remember({ spent }: ModelAccount, day: number, nanoUsd: bigint, nowMs: number): void {
  const isForgotten = (some: number): boolean => utcDay(nowMs) - some >= DAYS_REMEMBERED
  for (const known of spent.keys()) if (isForgotten(known)) spent.delete(known)
  if (!isForgotten(day)) spent.set(day, (spent.get(day) ?? 0n) + nanoUsd)
}
