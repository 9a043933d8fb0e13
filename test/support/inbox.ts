import * as fc from 'fast-check'
import { inboxConfigureCodec, inboxUsageCodec, tickCodec } from '../../schemas/avro.ts'
import type { LogRecord } from '../../pipelines/kafka/records.ts'
import type { Cost, InboxEntry, InboxUsage, NodeSum } from '../../schemas/records.ts'
import { USAGE_BOUNDS } from '../../schemas/usage.ts'
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

const NODES = ['node-a', 'node-b', 'node-c']

const entry: fc.Arbitrary<InboxEntry> = fc
  .record({
    node_id: fc.constantFrom(...NODES),
    operator_id: fc.option(fc.constantFrom('op-1', 'op-2'), { nil: null, freq: 3 }),
    nano: fc.oneof(
      fc.integer({ min: 1, max: 100_000_000 }),
      fc.constantFrom(1, 1_000_000, 290_000_000, USAGE_BOUNDS.costNanoUsdMax),
      fc.constant(null),
    ),
    reservation_id: fc.option(fc.constant('reservation-1'), { nil: null }),
    task_source: fc.constantFrom('hive' as const, 'idle' as const),
  })
  .map(({ node_id, operator_id, nano, reservation_id, task_source }) => ({
    node_id,
    operator_id,
    cost: nano === null ? null : cost(nano, { reservation_id, task_source }),
  }))

const sum = fc.record({ node: fc.constantFrom(...NODES), tokens: fc.nat(1_000_000), nano: fc.nat(10 ** 9) })

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('usage' as const),
      entries: fc.array(entry, { maxLength: 6 }),
      sums: fc.uniqueArray(sum, { selector: ({ node }) => node, maxLength: 3 }),
      laterMs: fc.integer({ min: -5, max: 90_000_000 }),
      /** Where the range ends: within the record that it begins in, or before the next one. */
      isCut: fc.boolean(),
      /** Written twice: by a transaction whose outcome nobody knew, as the protocol's known hole allows. */
      twice: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tick' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('configure' as const),
      version: fc.integer({ min: 1, max: 4 }),
      sparkPerUsd: fc.constantFrom(1, 100, 200),
    }),
  },
)

/** An inbox as an aggregator may write it: ranges that tile, some of them twice, with ticks and rules between. */
export const anyInbox: fc.Arbitrary<LogRecord[]> = fc
  .array(step, { minLength: 1, maxLength: 25 })
  .map((steps) => {
    const values: { value: Buffer; atMs: number }[] = []
    let atMs = INBOX_START_MS
    let covered = { offset: 0, index: 0 }
    for (const one of steps) {
      if (one.kind === 'tick') values.push({ value: tickCodec.encode({ written_by: 'test' }), atMs })
      if (one.kind === 'configure') {
        const { version, sparkPerUsd } = one
        values.push({ value: inboxConfigureCodec.encode({ version, spark_per_usd: sparkPerUsd }), atMs })
      }
      if (one.kind !== 'usage') continue
      atMs += one.laterMs
      const { offset, index } = covered
      covered = one.isCut ? { offset, index: index + 1 } : { offset: offset + 1, index: 0 }
      const value = inboxUsage(offset, covered.offset, {
        from_index: index,
        to_index: covered.index,
        watermark: atMs - 300_000,
        entries: one.entries,
        sums: one.sums.map(({ node, tokens, nano }) =>
          nodeSum(node, { tokens_in: tokens, cost_nano_usd: nano }),
        ),
      })
      values.push({ value, atMs })
      if (one.twice) values.push({ value, atMs })
    }
    // Every second offset: between them stand commit markers.
    return values.map(({ value, atMs }, index) => inputRecord(index * 2, atMs, value))
  })
