import { createHash } from 'node:crypto'
import { ISSUER_WALLET } from '../../../../schemas/tables.ts'
import type { LedgerRow } from './ledger.ts'
import type { Problems } from '../problems.ts'

const DAY_MS = 86_400_000
const MICRO_SPARK_PER_SPARK = 1_000_000n

/** The numbers of agents that earn a reward. */
const AGENTS = [10, 50, 100, 500]

const AWARDS: Readonly<
  Record<string, { readonly spark: bigint | null; readonly keys: 'day' | 'agents' | null }>
> = {
  uptime_bonus: { spark: 10n, keys: 'day' },
  milestone: { spark: 50n, keys: 'agents' },
  ad_revenue: { spark: null, keys: null },
  ad_bonus: { spark: null, keys: null },
}

/** The rewards of one node. */
export interface NodeRewards {
  count: number
  microSpark: bigint
}

interface Reward {
  readonly row: LedgerRow
  operator: number
  issuer: number
}

/** Rewards in wallet_ledger: two legs each, with the amount and the id that the kind has. */
export class Rewards {
  readonly nodes = new Map<string, NodeRewards>()
  /** The legs of operators. */
  readonly paid: LedgerRow[] = []
  readonly #problems: Problems
  readonly #byReference = new Map<string, Reward>()

  constructor(problems: Problems) {
    this.#problems = problems
  }

  /** True for a leg of a reward, which is then counted. */
  add(row: LedgerRow, what: string): boolean {
    const award = AWARDS[row.kind]
    if (award === undefined) return false
    const known = this.#byReference.get(row.referenceId)
    const reward = known ?? { row, operator: 0, issuer: 0 }
    this.#byReference.set(row.referenceId, reward)
    if (known !== undefined) this.#compareLegs(what, known.row, row)
    const isIssuer = row.walletId === ISSUER_WALLET
    const micro = isIssuer ? -row.microSpark : row.microSpark
    if (isIssuer) reward.issuer += 1
    else {
      reward.operator += 1
      this.paid.push(row)
      const node = this.nodes.get(row.nodeId) ?? { count: 0, microSpark: 0n }
      this.nodes.set(row.nodeId, node)
      node.count += 1
      node.microSpark += micro
    }
    if (award.spark !== null)
      this.#problems.compare('ledger', `${what}: micro_spark`, award.spark * MICRO_SPARK_PER_SPARK, micro)
    else if (micro <= 0n || micro % MICRO_SPARK_PER_SPARK !== 0n)
      this.#problems.add('ledger', `${what} pays ${micro} micro-Spark, which is no whole Spark`)
    if (award.keys !== null && !keysOf(award.keys, row).includes(row.referenceId))
      this.#problems.add('ledger', `${what}: its reference is none of a ${row.kind}`)
    return true
  }

  finish(): void {
    for (const [id, { row, operator, issuer }] of this.#byReference) {
      const what = `${row.kind} ${id} of ${row.nodeId}`
      if (operator > 1) this.#problems.add('paid twice', `${what} is booked ${operator} times`, operator - 1)
      else this.#problems.compare('ledger', `${what}: legs in the operator's wallet`, 1, operator)
      this.#problems.compare('ledger', `${what}: legs in the issuer's wallet`, 1, issuer)
    }
  }

  #compareLegs(what: string, first: LedgerRow, row: LedgerRow): void {
    for (const field of ['nodeId', 'kind', 'bookedAtMs'] as const) {
      this.#problems.compare('ledger', `${what}: ${field}`, first[field], row[field])
    }
    if (first.walletId !== row.walletId)
      this.#problems.compare('ledger', `${what}: counter_wallet_id`, first.walletId, row.counterWalletId)
  }
}

/** References that a reward of the kind can have: one a day, or one a number of agents. */
function keysOf(keys: 'day' | 'agents', { nodeId, kind, bookedAtMs }: LedgerRow): string[] {
  const numbers = keys === 'agents' ? AGENTS : [Math.floor(bookedAtMs / DAY_MS)]
  return numbers.map((number) => referenceOf(`reward/${nodeId}/${kind}/${number}`))
}

/** The first 128 bits of SHA-256, with a UUID's version 8 and variant in them; hex. */
export function referenceOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex').slice(0, 32)
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0b11) | 0b1000).toString(16)
  return `${hex.slice(0, 12)}8${hex.slice(13, 16)}${variant}${hex.slice(17)}`
}
