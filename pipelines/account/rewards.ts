import type { Account } from '../../schemas/records.ts'
import type { RewardKind } from '../../schemas/tables.ts'
import { book, currentOperator, dayOf } from './account.ts'
import type { AccountRows } from './account.ts'
import { paidImpressions, rewardToday } from './caps.ts'
import type { AccountRules } from './rules.ts'
import { MICRO_SPARK_PER_SPARK } from '../../schemas/units.ts'

/**
 * Rewards, given when the heartbeat that earns them arrives, to the node's operator; without one they wait for the first
 * heartbeat that finds one. Amounts and thresholds are the original's (hosting_reward_service.py).
 */

const UPTIME_BONUS_SPARK = 10n
const MILESTONE_SPARK = 50n

/** Numbers of agents that are rewarded, once each. */
export const MILESTONES = [10, 50, 100, 500] as const

/** 0.1 Spark an impression, 90 % of it the host's. */
const AD_MICRO_SPARK = 90_000

/** One Spark more for each full hundred. */
const AD_BONUS_IMPRESSIONS = 100
const MICRO = Number(MICRO_SPARK_PER_SPARK)

/** Days of impressions that a score sees: today and the six before. */
export const AD_DAYS = 7

/** Impressions of a heartbeat: all of them by day, and as a sum for the reward what of the day may be paid. */
export function addImpressions(
  account: Account,
  impressions: number,
  rules: AccountRules,
  nowMs: number,
  rows: AccountRows,
): void {
  const today = dayOf(nowMs)
  account.ad_days = account.ad_days.filter(({ day }) => day > today - AD_DAYS)
  if (impressions === 0) return
  const newest = account.ad_days.at(-1)
  const before = newest?.day === today ? newest.impressions : 0
  account.ad_unpaid += paidImpressions(account, rules, before, impressions, rows)
  if (newest?.day === today) newest.impressions += impressions
  else account.ad_days.push({ day: today, impressions })
}

/** Impressions of the last 7 days as of log time, of each day `ofDayMax` at most. */
export function recentImpressions(account: Account, nowMs: number, ofDayMax: number): number {
  const today = dayOf(nowMs)
  let sum = 0
  for (const { day, impressions } of account.ad_days) {
    if (day > today - AD_DAYS) sum += Math.min(impressions, ofDayMax)
  }
  return sum
}

/** Gives all that the account has earned as of this contact. */
export function reward(account: Account, rules: AccountRules, nowMs: number, rows: AccountRows): void {
  if (currentOperator(account) === undefined) return
  const today = dayOf(nowMs)
  if (account.bonus_day < today) {
    account.bonus_day = today
    const detail = 'Active on this day'
    grant(
      account,
      rules,
      { kind: 'uptime_bonus', key: today, spark: UPTIME_BONUS_SPARK, detail },
      nowMs,
      rows,
    )
  }
  for (const agents of MILESTONES) {
    const hosted = Math.min(account.agent_count, rules.caps.agents)
    if (hosted < agents || account.milestone >= agents) continue
    account.milestone = agents
    const detail = `Hosts ${agents} agents`
    grant(account, rules, { kind: 'milestone', key: agents, spark: MILESTONE_SPARK, detail }, nowMs, rows)
  }
  rewardImpressions(account, rules, nowMs, rows)
}

/**
 * Whole Spark are paid and the rest is carried, so that no share is lost and none is paid twice. (The original pays at
 * least 1 Spark a run: by heartbeat that would pay one impression eleven times.)
 */
function rewardImpressions(account: Account, rules: AccountRules, nowMs: number, rows: AccountRows): void {
  const unpaid = account.ad_unpaid
  if (unpaid === 0) return
  const hundredsBefore = Math.floor(account.ad_impressions / AD_BONUS_IMPRESSIONS)
  account.ad_unpaid = 0
  account.ad_impressions += unpaid
  const hundreds = Math.floor(account.ad_impressions / AD_BONUS_IMPRESSIONS)
  const earned = BigInt(account.ad_remainder_micro_spark) + BigInt(unpaid) * BigInt(AD_MICRO_SPARK)
  const spark = earned / MICRO_SPARK_PER_SPARK
  account.ad_remainder_micro_spark = Number(earned % BigInt(MICRO))
  const key = account.ad_impressions
  if (spark > 0n) {
    const detail = `${unpaid} ad impressions`
    grant(account, rules, { kind: 'ad_revenue', key, spark, detail }, nowMs, rows)
  }
  const bonus = BigInt(hundreds - hundredsBefore)
  if (bonus > 0n) {
    const detail = `${hundreds * AD_BONUS_IMPRESSIONS} ad impressions`
    grant(account, rules, { kind: 'ad_bonus', key, spark: bonus, detail }, nowMs, rows)
  }
}

interface Earned {
  readonly kind: RewardKind
  readonly key: number
  readonly spark: bigint
  readonly detail: string
}

/** Pays a reward, as far as the day's cap allows; what the cap takes is gone. */
function grant(
  account: Account,
  rules: AccountRules,
  { kind, key, spark, detail }: Earned,
  nowMs: number,
  rows: AccountRows,
): void {
  const operator = currentOperator(account)
  if (operator === undefined) return
  const earned = spark * MICRO_SPARK_PER_SPARK
  const microSpark = rewardToday(account, rules, earned, nowMs, rows)
  if (microSpark === 0n) return
  book(operator, microSpark, nowMs)
  account.rewards++
  account.reward_micro_spark += microSpark
  account.last_reward_at = nowMs
  rows.rewarded(account, {
    kind,
    key,
    operatorId: operator.operator_id,
    microSpark,
    awardedAtMs: nowMs,
    detail: microSpark < earned ? `${detail}; the cap of the day was reached` : detail,
  })
}
