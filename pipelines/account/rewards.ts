import type { Account } from '../../schemas/records.ts'
import type { RewardKind } from '../../schemas/tables.ts'
import { book, currentOperator, dayOf } from './account.ts'
import type { AccountRows } from './account.ts'
import { paidImpressions, rewardToday } from './caps.ts'
import type { AccountRules } from './rules.ts'
import { MICRO_SPARK_PER_SPARK } from '../../schemas/units.ts'

/**
 * Rewards are given when the heartbeat that earns them arrives, to the node's operator. Without an operator they wait for
 * the first heartbeat that finds one. Amounts and thresholds are those of the original (hosting_reward_service.py).
 */

const UPTIME_BONUS_SPARK = 10n
const MILESTONE_SPARK = 50n

/** Numbers of agents that are rewarded, each one once. */
export const MILESTONES = [10, 50, 100, 500] as const

/** An impression earns 0.1 Spark, of which the host gets 90 %. */
const AD_MICRO_SPARK = 90_000

/** One more Spark for each full hundred impressions. */
const AD_BONUS_IMPRESSIONS = 100
const MICRO = Number(MICRO_SPARK_PER_SPARK)

/** Days of impressions that count for a score: today and the six days before. */
export const AD_DAYS = 7

/** Adds the impressions of a heartbeat: all of them to the day, and for the reward the part that the day may still pay. */
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

/** Impressions of the last 7 days as of log time, counting at most `ofDayMax` of each day. */
export function recentImpressions(account: Account, nowMs: number, ofDayMax: number): number {
  const today = dayOf(nowMs)
  let sum = 0
  for (const { day, impressions } of account.ad_days) {
    if (day > today - AD_DAYS) sum += Math.min(impressions, ofDayMax)
  }
  return sum
}

/** Pays all rewards that the account has earned as of this contact. */
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
 * Whole Spark are paid and the rest is carried over, so that no share is lost and none is paid twice. (The original pays
 * at least 1 Spark in each run: done by heartbeat, one impression would be paid eleven times.)
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

/** Pays a reward as far as the day's cap allows. What exceeds the cap is never paid. */
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
