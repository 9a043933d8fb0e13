import type { InboxUsage } from '../../schemas/records.ts'
import { formatUuid } from '../../schemas/ids.ts'
import type { Carried } from './account/carried.ts'
import { AccountModel, BrokenHandOver } from './account/model.ts'
import type { Differences, Row } from './differences.ts'
import type { Horizon } from './horizon.ts'
import type { Logs } from './logs.ts'
import type { Undecided } from './undecided.ts'
import { identityName } from './usage-identity.ts'
import { NodeTotalSums } from './usage-sums.ts'

/** A place in usage.metered: the event `index` of the record at `offset`. */
export interface Place {
  readonly offset: number
  readonly index: number
}

export function isBefore(left: Place, right: Place): boolean {
  return left.offset < right.offset || (left.offset === right.offset && left.index < right.index)
}

/** A cost as the inbox has it, and the range of usage.metered that it came with. */
export interface HandedCost {
  readonly from: Place
  readonly to: Place
  readonly row: Row
}

/** What account.inbox says about events from `from` on and below the usage horizon. */
export interface HandedOver {
  /** First place that both logs still have; null where they have none in common. */
  readonly from: Place | null
  /** By `identityName` of the event. */
  readonly costs: Map<string, HandedCost>
  readonly totals: NodeTotalSums
  /** First operator named, by node. */
  readonly operators: Map<string, string>
}

export interface Inbox {
  readonly model: AccountModel
  readonly handedOver: HandedOver
  readonly startOffset: bigint
  /** Log time of its first record. */
  readonly startMs: number | null
}

/** Reads one partition of account.inbox up to the horizon and works out what follows from it. */
export async function readInbox(
  logs: Logs,
  partition: number,
  horizon: Horizon,
  meteredStart: bigint,
  differences: Differences,
  carried: Carried | null,
  undecided: Undecided,
): Promise<Inbox> {
  const { start: startOffset } = await logs.range('accountInbox', partition)
  const isWhole = startOffset === 0n
  const model = modelOf(isWhole, carried, horizon)
  model.undecided = undecided
  model.since = horizon.accounts.since
  model.endOffset = horizon.accounts.ended ? BigInt(horizon.accounts.position) - 1n : null
  let startMs: number | null = null
  const handed = new HandedOverReader(Number(meteredStart), horizon.usage.position)
  const to = BigInt(horizon.accounts.position)
  for await (const record of logs.read('accountInbox', partition, { to })) {
    startMs ??= record.timestampMs
    try {
      const usage = model.apply(record)
      if (usage !== null) handed.add(usage, differences)
    } catch (error) {
      if (!(error instanceof BrokenHandOver)) throw error
      const key = `partition ${partition}`
      differences.add({
        table: logs.topics.accountInbox,
        key,
        column: 'from',
        expected: 'ranges that tile',
        found: error.message,
      })
      break
    }
  }
  return { model, handedOver: handed.result(), startOffset, startMs }
}

function modelOf(isWhole: boolean, carried: Carried | null, horizon: Horizon): AccountModel {
  if (!isWhole) return AccountModel.fromTheMiddle(horizon.accounts.rules)
  return carried === null ? AccountModel.fromZero() : AccountModel.continued(carried)
}

/** Gathers what can be compared with usage.metered: whole ranges of what that log still has. */
class HandedOverReader {
  readonly #start: Place
  readonly #end: Place
  #from: Place | null = null
  readonly #costs = new Map<string, HandedCost>()
  readonly #totals = new NodeTotalSums()
  readonly #operators = new Map<string, string>()

  constructor(meteredStart: number, position: number) {
    this.#start = { offset: meteredStart, index: 0 }
    this.#end = { offset: position, index: 0 }
  }

  add(usage: InboxUsage, differences: Differences): void {
    const from = { offset: usage.from_offset, index: usage.from_index }
    const to = { offset: usage.to_offset, index: usage.to_index }
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
