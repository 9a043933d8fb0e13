import * as fc from 'fast-check'
import {
  inboxAuditCodec,
  inboxCommandCodec,
  inboxConfigureCodec,
  inboxHeartbeatCodec,
  inboxUsageCodec,
  tickCodec,
} from '../../../schemas/avro.ts'
import type { LogRecord } from '../../../pipelines/log/records.ts'
import type { Cost, InboxEntry, InboxUsage, NodeSum } from '../../../schemas/records.ts'
import { USAGE_BOUNDS } from '../../../schemas/usage.ts'
import { anyCommand, anyHeartbeat, anyRules, anySeen, commandId } from './inbox-requests.ts'
import { inputRecord } from './task-log.ts'
import { eventId } from './usage-events.ts'

/** Records of account.inbox for tests of the settler. */

export const INBOX_START_MS = 1_700_000_000_000

export function cost(nanoUsd: number, fields: Partial<Cost> = {}): Cost {
  return {
    event_id: eventId(1),
    task_source: 'hive',
    occurred_at: INBOX_START_MS,
    cost_nano_usd: nanoUsd,
    reservation_id: null,
    received_at: fields.occurred_at ?? INBOX_START_MS,
    id_kind: 'id',
    ...fields,
  }
}

export function nodeSum(node_id: string, fields: Partial<NodeSum> = {}): NodeSum {
  return {
    node_id,
    events: 1,
    inferences: 1,
    tokens_in: 0,
    tokens_out: 0,
    gpu_ms_measured: 0,
    gpu_ms_estimated: 0,
    gpu_ms_paid_estimated: 0,
    set_aside: 0,
    energy_mwh_measured: 0,
    energy_mwh_estimated: 0,
    energy_mwh_compatible: 0,
    cost_nano_usd: 0,
    ...fields,
  }
}

/** A usage record of the inbox that covers `[from, to)` of usage.metered. */
export function inboxUsage(from: number, to: number, fields: Partial<InboxUsage> = {}): Buffer {
  return inboxUsageCodec.encode({
    from_offset: from,
    from_index: 0,
    to_offset: to,
    to_index: 0,
    watermark: INBOX_START_MS,
    entries: [],
    sums: [],
    ...fields,
  })
}

const NODES = ['node-a', 'node-b']
const DAY_MS = 86_400_000

const entry: fc.Arbitrary<InboxEntry> = fc
  .record({
    node_id: fc.constantFrom(...NODES),
    operator_id: fc.option(fc.constantFrom('op-1', 'op-2'), { nil: null, freq: 3 }),
    nano: fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 100_000_000 }) },
      { weight: 3, arbitrary: fc.constantFrom(1, 1_000_000, 100_000_000, 290_000_000) },
      fc.constant(USAGE_BOUNDS.costNanoUsdMax),
      fc.constant(null),
    ),
    day: fc.constantFrom(-34, -1, 0, 0, 0, 1, 9),
    /** The time from the work to its receipt. */
    onTheWayMs: fc.constantFrom(0, 1_000, DAY_MS, DAY_MS + 1, 2 * DAY_MS, 30 * DAY_MS),
    reservation_id: fc.option(fc.constantFrom('reservation-1', 'reservation-2'), { nil: null }),
    task_source: fc.constantFrom('hive' as const, 'idle' as const),
  })
  .map(({ node_id, operator_id, nano, day, onTheWayMs, ...fields }) => {
    const occurred_at = INBOX_START_MS + day * DAY_MS
    const times = { occurred_at, received_at: occurred_at + onTheWayMs }
    // An entry names an operator, or has a cost, or both.
    if (nano === null) return { node_id, operator_id: operator_id ?? 'op-1', cost: null }
    return { node_id, operator_id, cost: cost(nano, { ...times, ...fields }) }
  })

const sum = fc.record({ node: fc.constantFrom(...NODES), tokens: fc.nat(1_000_000), nano: fc.nat(10 ** 9) })

/** Seconds to days; log time may also fall a little. */
const laterMs = fc.oneof(fc.integer({ min: -5, max: 400_000 }), fc.integer({ min: 0, max: 90_000_000 }))

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('usage' as const),
      entries: fc.array(entry, { maxLength: 6 }),
      sums: fc.uniqueArray(sum, { selector: ({ node }) => node, maxLength: 2 }),
      laterMs,
      /** Where the range ends: within the record in which it begins, or before the next one. */
      isCut: fc.boolean(),
      /** Written twice: by a transaction with an unknown outcome, as the protocol's known hole allows. */
      twice: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tick' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('configure' as const), rules: anyRules }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('command' as const),
      command: anyCommand(NODES),
      laterMs,
      /** Sent again by a client that got no answer. */
      twice: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('heartbeat' as const), sent: anyHeartbeat(NODES), laterMs }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('seen' as const), seen: anySeen, laterMs, twice: fc.boolean() }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

/** Makes the records of steps, one after the other. */
class InboxWriter {
  readonly records: LogRecord[] = []
  #atMs = INBOX_START_MS
  #covered = { offset: 0, index: 0 }
  #commands = 0

  add(one: Step): void {
    if ('laterMs' in one) this.#atMs += one.laterMs
    const value = this.#valueOf(one)
    this.#append(value)
    if ('twice' in one && one.twice) this.#append(value)
  }

  #valueOf(one: Step): Buffer {
    if (one.kind === 'tick') return tickCodec.encode({ written_by: 'test' })
    if (one.kind === 'configure') return inboxConfigureCodec.encode(one.rules)
    if (one.kind === 'heartbeat') return inboxHeartbeatCodec.encode(one.sent)
    if (one.kind === 'seen') return inboxAuditCodec.encode(one.seen)
    if (one.kind === 'usage') return this.#usage(one)
    return inboxCommandCodec.encode({ ...one.command, command_id: commandId(this.#commands++) })
  }

  #usage({ entries, sums, isCut }: Extract<Step, { kind: 'usage' }>): Buffer {
    const { offset, index } = this.#covered
    this.#covered = isCut ? { offset, index: index + 1 } : { offset: offset + 1, index: 0 }
    return inboxUsage(offset, this.#covered.offset, {
      from_index: index,
      to_index: this.#covered.index,
      watermark: this.#atMs - 300_000,
      entries,
      sums: sums.map(({ node, tokens, nano }) => nodeSum(node, { tokens_in: tokens, cost_nano_usd: nano })),
    })
  }

  #append(value: Buffer): void {
    // Every second offset: commit markers are between them.
    this.records.push(inputRecord(this.records.length * 2, this.#atMs, value))
  }
}

/**
 * An inbox as aggregator, gateway and reader may write it: ranges that tile, commands and heartbeats, some of each twice,
 * with ticks and rules between.
 */
export const anyInbox: fc.Arbitrary<LogRecord[]> = fc
  .tuple(anyRules, fc.array(step, { minLength: 1, maxLength: 30 }))
  .map(([rules, steps]) => {
    const writer = new InboxWriter()
    writer.add({ kind: 'configure', rules })
    for (const one of steps) writer.add(one)
    return writer.records
  })
