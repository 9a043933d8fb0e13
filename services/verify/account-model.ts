import { SCHEMA_ID, inboxConfigureCodec, inboxUsageCodec, schemaIdOf } from '../../schemas/avro.ts'
import { formatUuid, hashToUuid } from '../../schemas/ids.ts'
import type { Cost, InboxEntry, InboxUsage, SettlerTask } from '../../schemas/records.ts'
import { ISSUER_WALLET, LEDGER_KIND } from '../../schemas/tables.ts'
import type { SettlementReason } from '../../schemas/tables.ts'
import type { Row } from './differences.ts'
import type { SourceRecord } from './source.ts'
import type { SetAside } from './usage-model.ts'
import { NodeTotalSums } from './usage-sums.ts'

/** Least pending Spark that is settled by itself. */
const MIN_SETTLEMENT_SPARK = 10n

/** Spark per US dollar before the log says anything else. */
const SPARK_PER_USD_DEFAULT = 100

const NANO_USD_PER_USD = 1_000_000_000n
const MICRO_SPARK_PER_SPARK = 1_000_000n

/** Costs that are counted together. */
export interface CostTotal {
  count: bigint
  nanoUsd: bigint
  spark: bigint
}

export interface ModelOperator {
  readonly operatorId: string
  readonly sinceMs: number
  microSpark: bigint
  entries: number
  lastEntryAtMs: number | null
}

/** What the inbox says about one node, counters aside. */
export interface ModelAccount {
  readonly nodeId: string
  readonly firstSeenAtMs: number
  changedAtMs: number
  watermarkMs: number
  rulesVersion: number
  operator: ModelOperator | null
  costSeq: number
  settledThrough: number
  pending: CostTotal
  pendingSinceMs: number | null
  unclaimed: CostTotal
  settled: CostTotal
}

const noCosts = (): CostTotal => ({ count: 0n, nanoUsd: 0n, spark: 0n })

function addCost(total: CostTotal, nanoUsd: bigint, spark: bigint): void {
  total.count += 1n
  total.nanoUsd += nanoUsd
  total.spark += spark
}

/** The range of usage.metered that a record hands over does not begin where the last one ended. */
export class BrokenHandOver extends Error {}

export interface AccountModelOptions {
  /** In force where the log does not say: its beginning may have been deleted. */
  readonly rulesVersion: number
  readonly sparkPerUsd: number
  /** End of the last range handed over before the first record. */
  readonly handed: { readonly offset: number; readonly index: number }
}

/** Decisions, settlements, ledger entries and accounts that one partition of account.inbox leads to, in its order. */
export class AccountModel {
  readonly accounts = new Map<string, ModelAccount>()
  readonly totals = new NodeTotalSums()
  /** Rows by the key that names them to a person. */
  readonly decisions = new Map<string, Row>()
  readonly settlements = new Map<string, Row>()
  readonly ledger = new Map<string, Row>()
  readonly setAside: SetAside[] = []
  #handed: { readonly offset: number; readonly index: number }
  #rulesVersion: number
  #sparkPerUsd: bigint
  #nowMs = 0
  #watermarkMs = 0

  constructor(options: AccountModelOptions) {
    this.#rulesVersion = options.rulesVersion
    this.#sparkPerUsd = BigInt(options.sparkPerUsd)
    this.#handed = options.handed
  }

  /** The model of an inbox that is whole. */
  static fromZero(): AccountModel {
    const handed = { offset: 0, index: 0 }
    return new AccountModel({ rulesVersion: 0, sparkPerUsd: SPARK_PER_USD_DEFAULT, handed })
  }

  /**
   * The model of an inbox whose beginning was deleted, if `record` is the first that hands a range over: null until
   * then. Rules that the log does not tell any more are those of the settler's task record.
   */
  static startingWith(record: SourceRecord, task: SettlerTask): AccountModel | null {
    if (record.value === null || schemaIdOf(record.value) !== SCHEMA_ID.inboxUsage) return null
    const { from_offset: offset, from_index: index } = inboxUsageCodec.decode(record.value)
    return new AccountModel({
      rulesVersion: task.rules_version,
      sparkPerUsd: task.spark_per_usd,
      handed: { offset, index },
    })
  }

  /** Takes the next record in; throws BrokenHandOver. Returns the range that it applied, null where it had none. */
  apply(record: SourceRecord): InboxUsage | null {
    this.#nowMs = Math.max(this.#nowMs, record.timestampMs)
    const schemaId = schemaIdOf(record.value)
    if (schemaId === SCHEMA_ID.tick) return null
    if (record.value !== null && schemaId === SCHEMA_ID.inboxConfigure) {
      const { version, spark_per_usd } = inboxConfigureCodec.decode(record.value)
      if (version > this.#rulesVersion) {
        this.#rulesVersion = version
        this.#sparkPerUsd = BigInt(spark_per_usd)
      }
      return null
    }
    if (record.value === null || schemaId !== SCHEMA_ID.inboxUsage) {
      this.setAside.push({ record, reasons: [{ index: -1, reason: 'unknown_schema' }] })
      return null
    }
    const usage = inboxUsageCodec.decode(record.value)
    if (!this.#takesOver(usage, record)) return null
    this.#watermarkMs = Math.max(this.#watermarkMs, usage.watermark)
    for (const entry of usage.entries) this.#applyEntry(entry)
    // Every node of a range has sums: each event is in one.
    for (const sum of usage.sums) {
      const account = this.#accountOf(sum.node_id)
      account.watermarkMs = this.#watermarkMs
      account.changedAtMs = this.#nowMs
      this.totals.addSum(sum)
    }
    return usage
  }

  #takesOver(usage: InboxUsage, record: SourceRecord): boolean {
    const { offset, index } = this.#handed
    const isRepeat = usage.to_offset < offset || (usage.to_offset === offset && usage.to_index <= index)
    if (isRepeat) return false
    if (usage.from_offset !== offset || usage.from_index !== index) {
      throw new BrokenHandOver(
        `the record at offset ${record.offset} begins at ${usage.from_offset}/${usage.from_index}, ` +
          `the one before ended at ${offset}/${index}`,
      )
    }
    this.#handed = { offset: usage.to_offset, index: usage.to_index }
    return true
  }

  #applyEntry(entry: InboxEntry): void {
    const account = this.#accountOf(entry.node_id)
    if (entry.operator_id !== null && account.operator === null) {
      account.operator = {
        operatorId: entry.operator_id,
        sinceMs: this.#nowMs,
        microSpark: 0n,
        entries: 0,
        lastEntryAtMs: null,
      }
      if (account.unclaimed.count > 0n) this.#settle(account, account.operator, 'claimed')
    }
    if (entry.cost !== null) this.#decide(account, entry.cost)
  }

  #decide(account: ModelAccount, cost: Cost): void {
    const nanoUsd = BigInt(cost.cost_nano_usd)
    const whole = (nanoUsd * this.#sparkPerUsd) / NANO_USD_PER_USD
    const spark = whole > 1n ? whole : 1n
    const { operator } = account
    account.costSeq += 1
    account.rulesVersion = this.#rulesVersion
    if (operator === null) addCost(account.unclaimed, nanoUsd, spark)
    else {
      addCost(account.pending, nanoUsd, spark)
      account.pendingSinceMs ??= this.#nowMs
    }
    this.decisions.set(`${account.nodeId} ${account.costSeq}`, {
      event_id: formatUuid(cost.event_id),
      operator_id: operator?.operatorId ?? '',
      task_source: cost.task_source,
      occurred_at: cost.occurred_at,
      decided_at: this.#nowMs,
      decision: operator === null ? 'written_off' : 'pending',
      cost_nano_usd: nanoUsd,
      spark,
      spark_per_usd: this.#sparkPerUsd,
      rules_version: this.#rulesVersion,
      reservation_id: cost.reservation_id ?? '',
    })
    if (operator !== null && account.pending.spark >= MIN_SETTLEMENT_SPARK) {
      this.#settle(account, operator, 'threshold')
    }
  }

  /** Pays all that is unclaimed and pending. */
  #settle(account: ModelAccount, operator: ModelOperator, reason: SettlementReason): void {
    const { nodeId, unclaimed, pending, settledThrough: fromSeq, costSeq: toSeq } = account
    const costs = unclaimed.count + pending.count
    const nanoUsd = unclaimed.nanoUsd + pending.nanoUsd
    const spark = unclaimed.spark + pending.spark
    const settlementId = formatUuid(hashToUuid(`settlement/${nodeId}/${fromSeq}/${toSeq}`))
    this.settlements.set(`${nodeId} ${settlementId}`, {
      operator_id: operator.operatorId,
      from_seq: fromSeq,
      to_seq: toSeq,
      costs,
      cost_nano_usd: nanoUsd,
      spark,
      settled_at: this.#nowMs,
      reason,
    })
    const microSpark = spark * MICRO_SPARK_PER_SPARK
    this.#book(account, settlementId, 'operator', operator.operatorId, ISSUER_WALLET, microSpark)
    this.#book(account, settlementId, 'issuer', ISSUER_WALLET, operator.operatorId, -microSpark)
    operator.microSpark += microSpark
    operator.entries += 1
    operator.lastEntryAtMs = this.#nowMs
    account.settled.count += 1n
    account.settled.nanoUsd += nanoUsd
    account.settled.spark += spark
    account.settledThrough = toSeq
    account.pending = noCosts()
    account.pendingSinceMs = null
    account.unclaimed = noCosts()
  }

  #book(
    account: ModelAccount,
    settlementId: string,
    leg: 'operator' | 'issuer',
    walletId: string,
    counterWalletId: string,
    microSpark: bigint,
  ): void {
    const entryId = formatUuid(hashToUuid(`entry/${settlementId}/${leg}`))
    this.ledger.set(`${walletId} ${entryId}`, {
      counter_wallet_id: counterWalletId,
      node_id: account.nodeId,
      kind: LEDGER_KIND.costRecovery,
      reference_id: settlementId,
      micro_spark: microSpark,
      booked_at: this.#nowMs,
    })
  }

  #accountOf(nodeId: string): ModelAccount {
    const known = this.accounts.get(nodeId)
    if (known !== undefined) return known
    const account: ModelAccount = {
      nodeId,
      firstSeenAtMs: this.#nowMs,
      changedAtMs: this.#nowMs,
      watermarkMs: 0,
      rulesVersion: 0,
      operator: null,
      costSeq: 0,
      settledThrough: 0,
      pending: noCosts(),
      pendingSinceMs: null,
      unclaimed: noCosts(),
      settled: noCosts(),
    }
    this.accounts.set(nodeId, account)
    return account
  }
}
