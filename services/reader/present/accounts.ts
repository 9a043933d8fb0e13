import { RULES_DEFAULT } from '../../../pipelines/account/rules.ts'
import type { AccountRules } from '../../../pipelines/account/rules.ts'
import { STATE_KEY, accountCodec, inboxConfigureCodec, settlerTaskCodec } from '../../../schemas/avro.ts'
import { ownBytes } from '../../../schemas/own-bytes.ts'
import type { Account } from '../../../schemas/records.ts'
import { AccountSlab } from './account-slab.ts'

/** A record of node.state, with the parts that the reader uses. */
export interface StateRecord {
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** Keys that no node can have: those of task and fence records, and of outcomes of commands. */
const RESERVED = '!'

/**
 * Every node's account, as node.state has it: encoded, a few hundred bytes each, decoded when it is needed. Only `apply`
 * changes them; an account replaces another only with a higher version.
 */
export class Accounts {
  /** Each node's place in the slab. */
  readonly #nodes = new Map<string, number>()
  readonly #slab = new AccountSlab()
  /** A single node is kept as itself: most operators need no Set. */
  readonly #nodesOfOperator = new Map<string, string | Set<string>>()
  readonly #watermarks: (number | null)[]
  readonly #nows: number[]
  readonly #rules: { framed: Buffer | null; rules: AccountRules }[]
  #sorted: string[] | undefined

  constructor(partitions: number) {
    this.#watermarks = Array.from({ length: partitions }, () => null)
    this.#nows = Array.from({ length: partitions }, () => 0)
    this.#rules = Array.from({ length: partitions }, () => ({ framed: null, rules: RULES_DEFAULT }))
  }

  /** Accounts held. */
  get size(): number {
    return this.#nodes.size
  }

  /** Takes the next record of a partition. Throws where Hivemeter did not write it. */
  apply(record: StateRecord): void {
    if (record.key === null) throw new Error('A record of node.state has no key.')
    const key = record.key.toString('utf8')
    if (!key.startsWith(RESERVED)) this.#applyAccount(key, record)
    else if (key === STATE_KEY.task && record.value !== null) this.#applyTask(record.partition, record.value)
  }

  /** The account of a node, null where there is none. */
  account(nodeId: string): Account | null {
    const place = this.#nodes.get(nodeId)
    return place === undefined ? null : accountCodec.decode(this.#slab.bytes(place))
  }

  /** The rules in force for the accounts of a partition. */
  rules(partition: number): AccountRules {
    return this.#rules[partition]?.rules ?? RULES_DEFAULT
  }

  /** Log time that a partition's settler has reached: at that time a node is active, stale or dead. */
  nowMs(partition: number): number {
    return this.#nows[partition] ?? 0
  }

  /** Every account, one after the other; the caller stops when it has enough. */
  *all(): Generator<{ readonly account: Account; readonly partition: number }> {
    for (const place of this.#nodes.values())
      yield { account: accountCodec.decode(this.#slab.bytes(place)), partition: this.#slab.partition(place) }
  }

  /** Watermark of a partition: usage up to here is in its accounts. Null before its first task record. */
  watermark(partition: number): number | null {
    return this.#watermarks[partition] ?? null
  }

  /** The smallest watermark of all partitions; null while one has none. */
  smallestWatermark(): number | null {
    let smallest = Number.POSITIVE_INFINITY
    for (const watermark of this.#watermarks) {
      if (watermark === null) return null
      smallest = Math.min(smallest, watermark)
    }
    return smallest
  }

  /** The nodes that name, or named, an operator, by id; null for an operator that no node has named. */
  nodesOf(operatorId: string): string[] | null {
    const nodes = this.#nodesOfOperator.get(operatorId)
    if (nodes === undefined) return null
    return typeof nodes === 'string' ? [nodes] : [...nodes].sort()
  }

  /** Up to `limit` node ids in order, those after `nodeId` ('' for the first). */
  nodesAfter(nodeId: string, limit: number): string[] {
    this.#sorted ??= [...this.#nodes.keys()].sort()
    const sorted = this.#sorted
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((sorted[middle] as string) <= nodeId) low = middle + 1
      else high = middle
    }
    return sorted.slice(low, low + limit)
  }

  #applyTask(partition: number, framed: Buffer): void {
    const { watermark, now, rules } = settlerTaskCodec.decode(framed)
    this.#watermarks[partition] = Math.max(this.#watermarks[partition] ?? watermark, watermark)
    this.#nows[partition] = Math.max(this.nowMs(partition), now)
    const known = this.#rules[partition]?.framed
    if (rules === null || known?.equals(rules) === true) return
    const copy = ownBytes(rules)
    this.#rules[partition] = { framed: copy, rules: inboxConfigureCodec.decode(copy) }
  }

  #applyAccount(nodeId: string, record: StateRecord): void {
    const held = this.#nodes.get(nodeId)
    if (record.value === null) {
      if (held !== undefined) this.#forget(nodeId, held)
      return
    }
    const { version, operators } = accountCodec.decode(record.value)
    if (held !== undefined && version <= this.#slab.version(held)) return
    const kept = { bytes: record.value, version, partition: record.partition }
    const place = held === undefined ? this.#slab.keep(kept) : this.#slab.replace(held, kept)
    if (held === undefined) this.#sorted = undefined
    if (place !== held) this.#nodes.set(nodeId, place)
    for (const { operator_id } of operators) {
      const nodes = this.#nodesOfOperator.get(operator_id)
      if (nodes === undefined) this.#nodesOfOperator.set(operator_id, nodeId)
      else if (typeof nodes !== 'string') nodes.add(nodeId)
      else if (nodes !== nodeId) this.#nodesOfOperator.set(operator_id, new Set([nodes, nodeId]))
    }
  }

  #forget(nodeId: string, place: number): void {
    const { operators } = accountCodec.decode(this.#slab.bytes(place))
    this.#nodes.delete(nodeId)
    this.#slab.forget(place)
    this.#sorted = undefined
    for (const { operator_id } of operators) {
      const nodes = this.#nodesOfOperator.get(operator_id)
      if (typeof nodes === 'object') nodes.delete(nodeId)
      if (nodes === nodeId || (typeof nodes === 'object' && nodes.size === 0)) {
        this.#nodesOfOperator.delete(operator_id)
      }
    }
  }
}
