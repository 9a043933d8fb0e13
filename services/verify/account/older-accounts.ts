import type { Account } from '../../../schemas/records.ts'
import { COST_RECOVERY, ISSUER_WALLET } from '../../../schemas/tables.ts'
import type { Differences, Row } from '../differences.ts'
import type { Inbox } from './inbox.ts'
import type { TextRow } from '../tables.ts'

interface Written {
  costSeq: number
  settlements: number
  settledThrough: number
  settledMicroSpark: bigint
  microSpark: bigint
  rewards: number
  rewardMicroSpark: bigint
}

/**
 * Accounts that began before the oldest record left in account.inbox. They cannot be worked out again, so node.state is
 * compared with the sums of their own rows in ClickHouse.
 */
export class OlderAccounts {
  readonly #accounts: ReadonlyMap<string, Account>
  readonly #written = new Map<string, Written>()
  /** What they had when the version of the topics before this one ended. */
  readonly #carried: ReadonlyMap<string, Account>

  constructor(
    inbox: Inbox,
    accounts: ReadonlyMap<string, Account>,
    carried: ReadonlyMap<string, Account> = new Map(),
  ) {
    this.#carried = carried
    const older = [...accounts].filter(
      ([, account]) =>
        inbox.startOffset > 0n && account.first_seen_at <= (inbox.startMs ?? Number.POSITIVE_INFINITY),
    )
    this.#accounts = new Map(older)
  }

  get size(): number {
    return this.#accounts.size
  }

  has(nodeId: string): boolean {
    return this.#accounts.has(nodeId)
  }

  /** The expected rows of the other accounts: a row holds its node, or its key begins with the node. */
  without(rows: ReadonlyMap<string, Row>): ReadonlyMap<string, Row> {
    if (this.size === 0) return rows
    return new Map(
      [...rows].filter(([key, row]) => !this.has(String(row['node_id'] ?? key.split(' ', 1)[0]))),
    )
  }

  addDecision(row: TextRow): void {
    const written = this.#of(row)
    if (written !== null) written.costSeq = Math.max(written.costSeq, Number(row['cost_seq']))
  }

  addSettlement(row: TextRow): void {
    const written = this.#of(row)
    if (written === null) return
    written.settlements += 1
    written.settledThrough = Math.max(written.settledThrough, Number(row['to_seq']))
    written.settledMicroSpark += BigInt(String(row['paid_micro_spark']))
  }

  addEntry(row: TextRow): void {
    const written = this.#of(row)
    const microSpark = BigInt(String(row['amount_micro_spark']))
    // The issuer's entries repeat the same amounts.
    if (written === null || row['wallet_id'] === ISSUER_WALLET) return
    written.microSpark += microSpark
    if (row['kind'] === COST_RECOVERY) return
    written.rewards += 1
    written.rewardMicroSpark += microSpark
  }

  compare(differences: Differences): void {
    for (const [nodeId, account] of this.#accounts) {
      const written = this.#written.get(nodeId) ?? writtenBefore(this.#carried.get(nodeId))
      differences.compareRow(
        'node.state',
        `${nodeId} (older than the inbox)`,
        {
          cost_seq: written.costSeq,
          settlements: written.settlements,
          settled_through: written.settledThrough,
          settled_micro_spark: written.settledMicroSpark,
          micro_spark: written.microSpark,
          rewards: written.rewards,
          reward_micro_spark: written.rewardMicroSpark,
        },
        {
          cost_seq: account.cost_seq,
          settlements: account.settlements,
          settled_through: account.settled_through,
          settled_micro_spark: account.settled_micro_spark,
          rewards: account.rewards,
          reward_micro_spark: account.reward_micro_spark,
          micro_spark: account.operators.reduce((sum, { micro_spark }) => sum + micro_spark, 0n),
        },
      )
    }
  }

  #of(row: TextRow): Written | null {
    const nodeId = String(row['node_id'])
    if (!this.has(nodeId)) return null
    const known = this.#written.get(nodeId)
    if (known !== undefined) return known
    const written = writtenBefore(this.#carried.get(nodeId))
    this.#written.set(nodeId, written)
    return written
  }
}

function writtenBefore(account: Account | undefined): Written {
  return {
    costSeq: account?.cost_seq ?? 0,
    settlements: account?.settlements ?? 0,
    settledThrough: account?.settled_through ?? 0,
    settledMicroSpark: account?.settled_micro_spark ?? 0n,
    microSpark: account?.operators.reduce((sum, { micro_spark }) => sum + micro_spark, 0n) ?? 0n,
    rewards: account?.rewards ?? 0,
    rewardMicroSpark: account?.reward_micro_spark ?? 0n,
  }
}
