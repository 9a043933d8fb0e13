import { formatUuid, hashToUuid } from '../../../schemas/ids.ts'
import { COST_RECOVERY } from '../../../schemas/tables.ts'
import type { RewardKind, SettlementReason } from '../../../schemas/tables.ts'
import { numberInForce, valueInForce } from './rules.ts'
import { in64Bits, MICRO_SPARK_PER_SPARK } from './rows.ts'
import { noCosts, utcDay } from './state.ts'
import type { CostTotal, ModelAccount, ModelOperator, Moment } from './state.ts'

/** Operators that a node may have had. */
const OPERATORS_MAX = 8

/** Pays all that is unclaimed and pending to the present operator; null where there is nothing to pay, or no operator. */
export function settle(account: ModelAccount, reason: SettlementReason, moment: Moment): CostTotal | null {
  const operator = account.operators.at(-1)
  const { unclaimed, pending, nodeId, settledThrough: fromSeq, costSeq: toSeq } = account
  const paid = {
    count: unclaimed.count + pending.count,
    nanoUsd: unclaimed.nanoUsd + pending.nanoUsd,
    microSpark: unclaimed.microSpark + pending.microSpark,
  }
  if (operator === undefined || paid.count === 0n) return null
  const referenceId = formatUuid(hashToUuid(`settlement/${nodeId}/${fromSeq}/${toSeq}`))
  moment.rows.settlements.set(`${nodeId} ${referenceId}`, {
    operator_id: operator.operatorId,
    from_seq: fromSeq,
    to_seq: toSeq,
    costs: paid.count,
    cost_nano_usd: paid.nanoUsd,
    spark: in64Bits(paid.microSpark / MICRO_SPARK_PER_SPARK),
    settled_at: moment.nowMs,
    reason,
    micro_spark: in64Bits(paid.microSpark),
    paid_micro_spark: paid.microSpark,
  })
  pay(account, operator, referenceId, COST_RECOVERY, paid.microSpark, '', moment)
  account.settled.count += 1n
  account.settled.nanoUsd += paid.nanoUsd
  account.settled.microSpark += paid.microSpark
  account.settledThrough = toSeq
  account.pending = noCosts()
  account.pendingSinceMs = null
  account.unclaimed = noCosts()
  account.changedAtMs = moment.nowMs
  return paid
}

/** Called after every cost and every command. */
export function settleIfDue(account: ModelAccount, moment: Moment): void {
  const { pending } = account
  if (pending.count === 0n || valueInForce(account, moment.rules, 'auto_settle') !== true) return
  const leastSpark = numberInForce(account, moment.rules, 'min_settlement_spark')
  if (pending.microSpark >= leastSpark * MICRO_SPARK_PER_SPARK) settle(account, 'threshold', moment)
}

/** Gives a reward to the present operator. */
export function giveReward(
  account: ModelAccount,
  reward: {
    readonly kind: RewardKind
    readonly key: number
    readonly spark: bigint
    readonly detail: string
  },
  moment: Moment,
): void {
  const operator = account.operators.at(-1)
  if (operator === undefined) return
  const referenceId = formatUuid(hashToUuid(`reward/${account.nodeId}/${reward.kind}/${reward.key}`))
  const earned = reward.spark * MICRO_SPARK_PER_SPARK
  const microSpark = moment.isCapped ? payableToday(account, earned, moment) : earned
  account.rewards.capped.rewards += earned - microSpark
  if (microSpark === 0n) return
  const detail = microSpark === earned ? reward.detail : `${reward.detail}; the cap of the day was reached`
  pay(account, operator, referenceId, reward.kind, microSpark, detail, moment)
  account.rewards.count += 1
  account.rewards.microSpark += microSpark
  account.rewards.lastAtMs = moment.nowMs
}

/** The sums of a day of receipt begin with the first thing on that day that they count. */
export function beginDay({ rewards }: ModelAccount, nowMs: number): void {
  const today = utcDay(nowMs)
  if (rewards.day === today) return
  rewards.day = today
  rewards.dayMicroSpark = 0n
  rewards.dayMinimum = 0n
}

function payableToday(account: ModelAccount, earned: bigint, { rules, nowMs }: Moment): bigint {
  beginDay(account, nowMs)
  const { rewards } = account
  const room = rules.caps.rewardSpark * MICRO_SPARK_PER_SPARK - rewards.dayMicroSpark
  const payable = room < 0n ? 0n : room < earned ? room : earned
  rewards.dayMicroSpark += payable
  return payable
}

/** The first operator that is named becomes the node's, and gets what was written off. */
export function nameFirstOperator(
  account: ModelAccount,
  operatorId: string,
  moment: Moment,
  by: 'event' | 'heartbeat' | 'command',
): void {
  if (account.operators.length > 0) return
  const operator = newOperator(operatorId, moment.nowMs)
  operator.remainder = account.unclaimedRemainder
  account.unclaimedRemainder = 0n
  account.operators = [operator]
  account.changedAtMs = moment.nowMs
  settle(account, 'claimed', moment)
  // A command has its own row.
  if (by === 'command' || !moment.isNoted) return
  moment.rows.note('operator_named', hashToUuid(`audit/operator_named/${account.nodeId}`), {
    node_id: account.nodeId,
    value_after: operatorId,
    reason: by,
    noted_at: moment.nowMs,
  })
}

/** Another operator from now on; false where the node has had too many. */
export function handOver(account: ModelAccount, operatorId: string, moment: Moment): boolean {
  if (account.operators.at(-1)?.operatorId === operatorId) return true
  const earlier = account.operators.find((operator) => operator.operatorId === operatorId)
  if (earlier === undefined && account.operators.length === OPERATORS_MAX) return false
  settle(account, 'transferred', moment)
  const next = earlier ?? newOperator(operatorId, moment.nowMs)
  next.sinceMs = moment.nowMs
  account.operators = account.operators.filter((operator) => operator !== next).concat(next)
  account.changedAtMs = moment.nowMs
  return true
}

/** An admin, or a credential of the operator itself, confirms an operator that the node has; false where it never had it. */
export function confirmOperator(
  account: ModelAccount,
  operatorId: string,
  { nowMs, confirms }: Moment,
): boolean {
  const operator = account.operators.find((one) => one.operatorId === operatorId)
  if (operator === undefined) return false
  if (confirms && !operator.isConfirmed) {
    operator.isConfirmed = true
    account.changedAtMs = nowMs
  }
  return true
}

function newOperator(operatorId: string, sinceMs: number): ModelOperator {
  return {
    operatorId,
    sinceMs,
    microSpark: 0n,
    entries: 0,
    lastEntryAtMs: null,
    remainder: 0n,
    isConfirmed: false,
  }
}

function pay(
  account: ModelAccount,
  operator: ModelOperator,
  referenceId: string,
  kind: string,
  microSpark: bigint,
  detail: string,
  { rows, nowMs }: Moment,
): void {
  const { operatorId } = operator
  rows.paid({ nodeId: account.nodeId, operatorId, referenceId, kind, microSpark, atMs: nowMs, detail })
  operator.microSpark += microSpark
  operator.entries += 1
  operator.lastEntryAtMs = nowMs
}
