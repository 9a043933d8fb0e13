import type { Account } from '../../schemas/records.ts'
import { dayOf } from './account.ts'
import type { AccountRows } from './account.ts'
import type { AccountRules } from './rules.ts'
import { MICRO_SPARK_PER_SPARK } from '../../schemas/units.ts'

/**
 * Limits, by UTC day of receipt, on what a node can earn with numbers that only the node itself reports: the owner of a
 * key could write any number. What exceeds a cap is recorded and counted, but not paid.
 */

/**
 * How much of a reward of `microSpark` the day of log time `nowMs` still pays, in micro-Spark; the rest is noted as
 * capped.
 */
export function rewardToday(
  account: Account,
  rules: AccountRules,
  microSpark: bigint,
  nowMs: number,
  rows: AccountRows,
): bigint {
  beginDay(account, nowMs)
  const most = BigInt(rules.caps.reward_spark) * MICRO_SPARK_PER_SPARK
  const left = most - BigInt(account.day_reward_micro_spark)
  const paid = microSpark <= left ? microSpark : left > 0n ? left : 0n
  account.day_reward_micro_spark += Number(paid)
  if (paid < microSpark) {
    account.capped_reward_micro_spark += microSpark - paid
    rows.anomaly('capped_rewards')
  }
  return paid
}

/** How many of a day's impressions are paid, where `before` were already recorded for the day and `count` come now. */
export function paidImpressions(
  account: Account,
  rules: AccountRules,
  before: number,
  count: number,
  rows: AccountRows,
): number {
  const most = rules.caps.impressions
  const paid = Math.min(most, before + count) - Math.min(most, before)
  if (paid < count) {
    account.capped_impressions += count - paid
    rows.anomaly('capped_impressions')
  }
  return paid
}

/** Whether the day still pays a cost the minimum of 1 Spark: `beyond` is what that adds to USD × rate, in micro-Spark. */
export function isMinimumPaid(
  account: Account,
  rules: AccountRules,
  beyond: bigint,
  nowMs: number,
  rows: AccountRows,
): boolean {
  beginDay(account, nowMs)
  const most = BigInt(rules.caps.minimum_spark) * MICRO_SPARK_PER_SPARK
  if (BigInt(account.day_minimum_micro_spark) + beyond > most) {
    account.capped_minimum_micro_spark += beyond
    rows.anomaly('minimum_capped')
    return false
  }
  account.day_minimum_micro_spark += Number(beyond)
  rows.anomaly('minimum_paid')
  return true
}

/** The sums of a day start with the first thing that is received on it. */
function beginDay(account: Account, nowMs: number): void {
  const today = dayOf(nowMs)
  if (account.received_day === today) return
  account.received_day = today
  account.day_reward_micro_spark = 0
  account.day_minimum_micro_spark = 0
}
