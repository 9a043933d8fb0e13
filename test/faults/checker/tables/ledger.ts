import { COST_RECOVERY, ISSUER_WALLET } from '../../../../schemas/tables.ts'
import type { Problems } from '../problems.ts'
import { Rewards } from './rewards.ts'
import type { Settled } from './settlements.ts'

/** A row of wallet_ledger: one leg of a payment. */
export interface LedgerRow {
  readonly walletId: string
  readonly entryId: string
  readonly counterWalletId: string
  readonly nodeId: string
  readonly kind: string
  /** The settlement or reward that it books. */
  readonly referenceId: string
  readonly microSpark: bigint
  /** Log time. */
  readonly bookedAtMs: number
}

/** The sum of one node's entries in one wallet. */
export interface Balance {
  microSpark: bigint
  entries: number
}

/** Compares wallet_ledger with the settlements and rewards: two legs each, equal and opposite, all together zero. */
export class Ledger {
  /** By wallet and node. */
  readonly balances = new Map<string, Balance>()
  rows = 0
  readonly rewards: Rewards
  readonly #settlements: ReadonlyMap<string, Settled>
  readonly #problems: Problems
  readonly #entryIds = new Set<string>()
  readonly #legs = new Map<string, { operator: number; issuer: number }>()
  #sum = 0n

  constructor(settlements: ReadonlyMap<string, Settled>, problems: Problems) {
    this.#settlements = settlements
    this.#problems = problems
    this.rewards = new Rewards(problems)
  }

  add(row: LedgerRow): void {
    const problems = this.#problems
    this.rows += 1
    this.#sum += row.microSpark
    const what = `entry ${row.entryId} of wallet ${row.walletId} (${row.kind} ${row.referenceId})`
    if (this.#entryIds.has(row.entryId)) problems.add('ledger', `${what}: its id is taken`)
    this.#entryIds.add(row.entryId)
    this.#addToBalance(row)
    if (this.rewards.add(row, what)) return
    const settlement = this.#settlements.get(row.referenceId)
    if (settlement === undefined) {
      problems.add('ledger', `${what} books a settlement that there is not`)
      return
    }
    const isIssuer = row.walletId === ISSUER_WALLET
    const legs = this.#legs.get(row.referenceId) ?? { operator: 0, issuer: 0 }
    this.#legs.set(row.referenceId, legs)
    if (isIssuer) legs.issuer += 1
    else legs.operator += 1
    const paid = settlement.microSpark
    problems.compare('ledger', `${what}: micro_spark`, isIssuer ? -paid : paid, row.microSpark)
    const { operatorId, nodeId, settledAtMs } = settlement
    const [wallet, counter] = isIssuer ? [ISSUER_WALLET, operatorId] : [operatorId, ISSUER_WALLET]
    problems.compare('ledger', `${what}: wallet_id`, wallet, row.walletId)
    problems.compare('ledger', `${what}: counter_wallet_id`, counter, row.counterWalletId)
    problems.compare('ledger', `${what}: node_id`, nodeId, row.nodeId)
    problems.compare('ledger', `${what}: kind`, COST_RECOVERY, row.kind)
    problems.compare('ledger', `${what}: booked_at`, settledAtMs, row.bookedAtMs)
  }

  /** To be called after the last row: adds settlements without their legs, or with more of them. */
  finish(): void {
    for (const [id, { nodeId, operatorId }] of this.#settlements) {
      const { operator, issuer } = this.#legs.get(id) ?? { operator: 0, issuer: 0 }
      const what = `settlement ${id} of ${nodeId}`
      if (operator > 1) {
        const again = operator - 1
        this.#problems.add('paid twice', `${what} is booked ${operator} times in wallet ${operatorId}`, again)
      } else this.#problems.compare('ledger', `${what}: legs in the operator's wallet`, 1, operator)
      this.#problems.compare('ledger', `${what}: legs in the issuer's wallet`, 1, issuer)
    }
    this.rewards.finish()
    this.#problems.compare('ledger', 'the sum of all legs in micro-Spark', 0n, this.#sum)
  }

  #addToBalance({ walletId, nodeId, microSpark }: LedgerRow): void {
    const key = balanceKey(walletId, nodeId)
    const balance = this.balances.get(key) ?? { microSpark: 0n, entries: 0 }
    this.balances.set(key, balance)
    balance.microSpark += microSpark
    balance.entries += 1
  }
}

export function balanceKey(walletId: string, nodeId: string): string {
  return `${walletId} ${nodeId}`
}
