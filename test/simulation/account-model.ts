import type { InboxEntry, InboxUsage } from '../../schemas/records.ts'

/** An account as one cost after the other leaves it. */
export interface PlainAccount {
  operator: string | null
  readonly costs: PlainCost[]
  readonly payments: PlainPayment[]
  /** Costs of the node's sequence that are paid: all up to this one. */
  paidThrough: number
  readonly sums: Record<string, bigint>
}

export interface PlainCost {
  /** Its number in the node's sequence, from 1. */
  readonly seq: bigint
  readonly eventId: string
  readonly nanoUsd: bigint
  readonly spark: bigint
  readonly operator: string
  readonly decision: 'pending' | 'written_off'
  readonly decidedAtMs: number
  readonly rules: number
}

export interface PlainPayment {
  readonly operator: string
  readonly from: number
  readonly to: number
  readonly spark: bigint
  readonly nanoUsd: bigint
  readonly atMs: number
  readonly reason: 'threshold' | 'claimed'
}

/** The accounts of a partition by the rules of http-api, as slowly and plainly as can be: sums are made of lists. */
export class PlainAccounts {
  readonly byNode = new Map<string, PlainAccount>()
  rules = { version: 0, sparkPerUsd: 100 }

  take(usage: InboxUsage, nowMs: number): void {
    for (const entry of usage.entries) this.#entry(entry, nowMs)
    for (const { node_id, ...numbers } of usage.sums) {
      const { sums } = this.#of(node_id)
      for (const [name, value] of Object.entries(numbers)) sums[name] = (sums[name] ?? 0n) + BigInt(value)
    }
  }

  #of(node: string): PlainAccount {
    let account = this.byNode.get(node)
    if (account === undefined) {
      account = { operator: null, costs: [], payments: [], paidThrough: 0, sums: {} }
      this.byNode.set(node, account)
    }
    return account
  }

  #entry({ node_id, operator_id, cost }: InboxEntry, nowMs: number): void {
    const account = this.#of(node_id)
    if (operator_id !== null && account.operator === null) {
      account.operator = operator_id
      if (account.costs.length > 0) pay(account, operator_id, 'claimed', nowMs)
    }
    if (cost === null) return
    const nanoUsd = BigInt(cost.cost_nano_usd)
    const whole = (nanoUsd * BigInt(this.rules.sparkPerUsd)) / 1_000_000_000n
    account.costs.push({
      seq: BigInt(account.costs.length + 1),
      eventId: cost.event_id.toString('hex'),
      nanoUsd,
      spark: whole < 1n ? 1n : whole,
      operator: account.operator ?? '',
      decision: account.operator === null ? 'written_off' : 'pending',
      decidedAtMs: nowMs,
      rules: this.rules.version,
    })
    const { operator } = account
    if (operator !== null && unpaid(account).spark >= 10n) pay(account, operator, 'threshold', nowMs)
  }
}

/** What the costs after the last payment come to. */
export function unpaid({ costs, paidThrough }: PlainAccount): {
  count: number
  spark: bigint
  nanoUsd: bigint
} {
  const rest = costs.slice(paidThrough)
  return {
    count: rest.length,
    spark: rest.reduce((sum, cost) => sum + cost.spark, 0n),
    nanoUsd: rest.reduce((sum, cost) => sum + cost.nanoUsd, 0n),
  }
}

function pay(account: PlainAccount, operator: string, reason: PlainPayment['reason'], atMs: number): void {
  const { spark, nanoUsd } = unpaid(account)
  const from = account.paidThrough
  account.paidThrough = account.costs.length
  account.payments.push({ operator, from, to: account.paidThrough, spark, nanoUsd, atMs, reason })
}
