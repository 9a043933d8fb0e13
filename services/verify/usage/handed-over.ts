import { inboxUsageCodec, schemaIdOf } from '../../../schemas/avro.ts'
import { formatUuid } from '../../../schemas/ids.ts'
import type { InboxUsage } from '../../../schemas/records.ts'
import type { Differences, Row } from '../differences.ts'
import { BrokenHandOver, HandedRanges, isBefore, rangeOf } from '../hand-over.ts'
import type { Place } from '../hand-over.ts'
import type { Logs } from '../logs.ts'
import { NodeTotalSums } from '../node-totals.ts'
import { identityName } from './identity.ts'

/** A cost as the inbox has it, and the range of usage.metered that it came with. */
export interface HandedCost {
  readonly from: Place
  readonly to: Place
  readonly row: Row
}

/** What account.inbox holds about events from `from` on and below the usage horizon. */
export interface HandedOver {
  /** First place that both logs still have; null where they have none in common. */
  readonly from: Place | null
  /** By `identityName` of the event. */
  readonly costs: Map<string, HandedCost>
  readonly totals: NodeTotalSums
  /** First operator named, by node. */
  readonly operators: Map<string, string>
}

/**
 * Reads one partition of account.inbox for what follows from the events of usage.metered from offset `start` on and below
 * `end`. The task that counts them commits both at once, so everything up to its position is there. Where a range is
 * missing, reading ends; the check of accounts compares whether the ranges tile.
 */
export async function readHandedOver(
  logs: Logs,
  partition: number,
  { start, end }: { readonly start: bigint; readonly end: number },
  differences: Differences,
): Promise<HandedOver> {
  const inbox = await logs.range('accountInbox', partition)
  const ranges = new HandedRanges(inbox.start === 0n)
  const reader = new HandedOverReader(Number(start), end)
  for await (const record of logs.read('accountInbox', partition, { to: inbox.end })) {
    const { value, offset } = record
    if (record.unreadable !== undefined || value === null) continue
    if (!inboxUsageCodec.schemaIds.includes(schemaIdOf(value))) continue
    const usage = inboxUsageCodec.decode(value)
    try {
      if (ranges.takes(usage, offset)) reader.add(usage, differences)
    } catch (error) {
      if (!(error instanceof BrokenHandOver)) throw error
      break
    }
    // What follows belongs to events that are not compared.
    if (usage.to_offset >= end) break
  }
  return reader.result()
}

/** Gathers what can be compared with usage.metered: whole ranges of what that log still has. */
class HandedOverReader {
  readonly #start: Place
  readonly #end: Place
  #from: Place | null = null
  readonly #costs = new Map<string, HandedCost>()
  readonly #totals = new NodeTotalSums()
  readonly #operators = new Map<string, string>()

  constructor(start: number, end: number) {
    this.#start = { offset: start, index: 0 }
    this.#end = { offset: end, index: 0 }
  }

  add(usage: InboxUsage, differences: Differences): void {
    const { from, to } = rangeOf(usage)
    if (isBefore(from, this.#start) || isBefore(this.#end, to)) return
    this.#from ??= from
    for (const sum of usage.sums) this.#totals.addSum(sum)
    for (const { node_id, operator_id, cost } of usage.entries) {
      if (operator_id !== null && !this.#operators.has(node_id)) this.#operators.set(node_id, operator_id)
      if (cost === null) continue
      const key = identityName(node_id, { kind: cost.id_kind, hex: cost.event_id.toString('hex') })
      if (this.#costs.has(key)) {
        differences.add({
          table: 'account.inbox',
          key: `${node_id} ${formatUuid(cost.event_id)}`,
          column: '(cost)',
          expected: 'present once',
          found: 'present again',
        })
      }
      this.#costs.set(key, {
        from,
        to,
        row: {
          task_source: cost.task_source,
          occurred_at: cost.occurred_at,
          cost_nano_usd: cost.cost_nano_usd,
          reservation_id: cost.reservation_id,
          received_at: cost.received_at,
        },
      })
    }
  }

  result(): HandedOver {
    return { from: this.#from, costs: this.#costs, totals: this.#totals, operators: this.#operators }
  }
}
