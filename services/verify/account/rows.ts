import { formatUuid, hashToUuid } from '../../../schemas/ids.ts'
import type { Cost, InboxCommand } from '../../../schemas/records.ts'
import { ISSUER_WALLET } from '../../../schemas/tables.ts'
import type { Row } from '../differences.ts'
import type { ModelRules } from './rules.ts'

export const MICRO_SPARK_PER_SPARK = 1_000_000n

const INT64_MAX = 2n ** 63n - 1n

/** What a column of 64 bits holds of a sum: the nearest value. A second column holds the whole sum. */
export function in64Bits(sum: bigint): bigint {
  if (sum > INT64_MAX) return INT64_MAX
  return sum < -INT64_MAX ? -INT64_MAX : sum
}

/** A cost as it was judged. */
export interface Judged {
  readonly nodeId: string
  readonly costSeq: number
  readonly cost: Cost
  readonly operatorId: string
  readonly decision: string
  readonly microSpark: bigint
  readonly day: number
  readonly spent: bigint
  readonly limit: bigint
}

/** Spark that goes to an operator, and what for. */
export interface Payment {
  readonly nodeId: string
  readonly operatorId: string
  readonly referenceId: string
  readonly kind: string
  readonly microSpark: bigint
  readonly atMs: number
  readonly detail: string
}

/** The rows that one inbox leads to, by the key that names them for a person. */
export class ModelRows {
  readonly decisions = new Map<string, Row>()
  readonly settlements = new Map<string, Row>()
  readonly ledger = new Map<string, Row>()
  readonly audit = new Map<string, Row>()
  /** The audit of changes that no command requested. */
  readonly noted = new Map<string, Row>()
  readonly #audited = new RowNumbers()
  readonly #notes = new RowNumbers()

  decided(judged: Judged, rules: ModelRules, atMs: number): void {
    const { cost } = judged
    this.decisions.set(`${judged.nodeId} ${judged.costSeq}`, {
      event_id: formatUuid(cost.event_id),
      id_kind: cost.id_kind,
      operator_id: judged.operatorId,
      task_source: cost.task_source,
      occurred_at: cost.occurred_at,
      decided_at: atMs,
      decision: judged.decision,
      cost_nano_usd: cost.cost_nano_usd,
      spark: judged.microSpark / MICRO_SPARK_PER_SPARK,
      spark_per_usd: rules.sparkPerUsd,
      rules_version: rules.version,
      reservation_id: cost.reservation_id ?? '',
      micro_spark: judged.microSpark,
      budget_day: judged.day,
      day_spent_nano_usd: in64Bits(judged.spent),
      day_limit_nano_usd: judged.limit,
      day_spent_before_nano_usd: judged.spent,
    })
  }

  /** Double entry: what the operator gets, the issuer gives. */
  paid(payment: Payment): void {
    const { operatorId, microSpark } = payment
    this.#leg(payment, 'operator', operatorId, ISSUER_WALLET, microSpark)
    this.#leg(payment, 'issuer', ISSUER_WALLET, operatorId, -microSpark)
  }

  audited(command: InboxCommand, row: Row): void {
    this.audit.set(this.#audited.keyOf(command.node_id, command.command_id), row)
  }

  /** A record that was sent again becomes a row again, under the same id. */
  note(kind: string, entryId: Buffer, row: Row): void {
    this.noted.set(this.#notes.keyOf(kind, formatUuid(entryId)), { ...NOTHING_NOTED, ...row })
  }

  #leg(payment: Payment, leg: string, walletId: string, counterWalletId: string, microSpark: bigint): void {
    const entryId = formatUuid(hashToUuid(`entry/${payment.referenceId}/${leg}`))
    this.ledger.set(`${walletId} ${entryId}`, {
      counter_wallet_id: counterWalletId,
      node_id: payment.nodeId,
      kind: payment.kind,
      reference_id: payment.referenceId,
      micro_spark: in64Bits(microSpark),
      amount_micro_spark: microSpark,
      booked_at: payment.atMs,
      detail: payment.detail,
    })
  }
}

const NOTHING_NOTED: Row = {
  subject: '',
  node_id: '',
  address: '',
  value_before: '',
  value_after: '',
  times: 1,
}

/** A command that was refused for lack of room may be decided again: its rows are numbered. */
export class RowNumbers {
  readonly #counts = new Map<string, number>()

  keyOf(nodeId: string, commandId: string): string {
    const name = `${nodeId} ${commandId}`
    const number = (this.#counts.get(name) ?? 0) + 1
    this.#counts.set(name, number)
    return `${name} #${number}`
  }
}

/** JSON with its members by name, so that two texts of one value are equal. */
export function canonicalJson(text: string): string {
  return JSON.stringify(JSON.parse(text), (_name, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : value,
  )
}
