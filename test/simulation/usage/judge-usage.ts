import assert from 'node:assert/strict'
import { inboxUsageCodec, SCHEMA_ID, schemaIdOf } from '../../../schemas/avro.ts'
import { usageEventsIn } from '../../../schemas/usage-values.ts'
import type { InboxUsage } from '../../../schemas/records.ts'
import { COMPILED_TABLE } from '../../../schemas/model-table.ts'
import type { ModelTable } from '../../../schemas/model-table.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import type { LogRecord } from '../../../pipelines/log/records.ts'
import type { Row } from '../../support/oracles/row-reader.ts'
import { eventName, together, usageOracle } from '../../support/oracles/usage-oracle.ts'
import type { Sums, UsageOracle } from '../../support/oracles/usage-oracle.ts'
import { plainRows } from '../logs.ts'
import type { LogBlock } from '../logs.ts'
import type { SimModels } from './models.ts'
import { otherPartition, PARTITIONS, TOPICS } from '../services.ts'

const byPlace = (left: Row, right: Row): number =>
  Number(left['record_offset']) - Number(right['record_offset']) ||
  Number(left['record_index']) - Number(right['record_index'])

/** The result of one partition's logs: the events that its task has passed, and what it made of them. */
export interface UsageLogs {
  readonly partition: number
  readonly usage: readonly LogRecord[]
  readonly inbox: readonly LogRecord[]
  readonly usageBlocks: readonly LogBlock[]
}

/**
 * Compares rows, windows, dead letters and handed-over costs with a count of one event after the other: each event of the
 * log that its task has passed is counted once, wherever batches ended and whichever process counted.
 */
export function judgeUsage(
  { partition, usage, inbox, usageBlocks }: UsageLogs,
  undecidable: (name: string) => boolean,
  models: Pick<SimModels, 'version'>,
): void {
  const rows = plainRows(usageBlocks, 'usage_events').toSorted(byPlace)
  const oracle = usageOracle(usage, undecidable, {
    place: { partition, partitions: PARTITIONS },
    tableAt: tablesOf(rows, models),
  })
  const counted = rows.map(
    (row) => `${String(row['node_id'])} ${String(row['id_kind'])} ${String(row['event_id'])}`,
  )
  assert.equal(new Set(counted).size, counted.length, 'an event has two rows')
  assert.deepEqual(
    rows.map(({ content_hash: _hash, ...row }) => row),
    oracle.rows,
  )
  assert.deepEqual(windowsOf(usageBlocks, 'usage_1m'), oracle.minutes)
  assert.deepEqual(windowsOf(usageBlocks, 'usage_15m'), oracle.quarters)
  const letters = plainRows(usageBlocks, 'dead_letters')
  assert.deepEqual(
    letters.map((row) => [Number(row['record_offset']), row['reasons']]).toSorted(byOffset),
    [...oracle.dead].toSorted(byOffset),
  )
  for (const { topic } of letters) assert.equal(topic, TOPICS.usageMetered)
  judgeHandOver(inbox, oracle)
}

/**
 * Events on a wrong partition that its task has passed are also on their own partition, with the receipt that they came
 * in with.
 */
export function judgeSentOn(
  partition: number,
  usage: readonly LogRecord[],
  other: readonly LogRecord[],
): void {
  const { sentOn } = usageOracle(usage, () => false, { place: { partition, partitions: PARTITIONS } })
  const copies = new Set(
    other
      .filter(({ headers }) => headers['hivemeter-forwarded'] !== undefined)
      .flatMap(({ value, headers }) => {
        const receipt = headers['hivemeter-original-receipt']?.toString()
        return value === null ? [] : usageEventsIn(value).map((event) => copyName(event, receipt))
      }),
  )
  for (const { event, receiptMs } of sentOn) {
    const name = copyName(event, String(receiptMs))
    assert.ok(copies.has(name), `${eventName(event)} was not sent on to ${otherPartition(partition)}`)
  }
}

function copyName(event: UsageEvent, receipt: string | undefined): string {
  return `${receipt} ${JSON.stringify(event)}`
}

/** The table of models for each record, as its rows name it: the table exists, and is never older than the one before. */
function tablesOf(rows: readonly Row[], models: Pick<SimModels, 'version'>): (offset: bigint) => ModelTable {
  const tables = new Map<bigint, ModelTable>()
  let version = 0
  for (const row of rows) {
    const named = Number(row['models_version'])
    assert.ok(named >= version, `the version of the table of models falls from ${version} to ${named}`)
    version = named
    const table = models.version(named)
    assert.ok(table !== undefined, `version ${named} of the table of models was never in force`)
    tables.set(BigInt(String(row['record_offset'])), table)
  }
  return (offset) => tables.get(offset) ?? COMPILED_TABLE
}

function byOffset(left: readonly unknown[], right: readonly unknown[]): number {
  return Number(left[0]) - Number(right[0])
}

/** Sums of all deltas of a window and series. */
function windowsOf(blocks: readonly LogBlock[], table: string): Map<string, Sums> {
  const windows = new Map<string, Sums>()
  for (const { node_id, window_start, model_id, task_source, ...columns } of plainRows(blocks, table)) {
    const key = [node_id, window_start, model_id, task_source].join(' ')
    const known = windows.get(key) ?? {}
    for (const [name, value] of Object.entries(columns)) {
      known[name] = together(name, known[name] ?? 0n, BigInt(String(value)))
    }
    windows.set(key, known)
  }
  return windows
}

/** The usage records of an inbox that a settler applies, in order; throws where their ranges do not tile. */
export function handedOver(inbox: readonly LogRecord[]): { record: LogRecord; usage: InboxUsage }[] {
  const applied: { record: LogRecord; usage: InboxUsage }[] = []
  let covered = { offset: 0, index: 0 }
  for (const record of inbox) {
    if (record.value === null || schemaIdOf(record.value) !== SCHEMA_ID.inboxUsage) continue
    const usage = inboxUsageCodec.decode(record.value)
    assert.deepEqual(
      { offset: usage.from_offset, index: usage.from_index },
      covered,
      `the record at ${record.offset} goes on where the last one ended`,
    )
    covered = { offset: usage.to_offset, index: usage.to_index }
    applied.push({ record, usage })
  }
  return applied
}

/** Costs in the order of events, and the sums of nodes: everything that the inbox has come to. */
function judgeHandOver(inbox: readonly LogRecord[], oracle: UsageOracle): void {
  const sums = new Map<string, Sums>()
  const costs: UsageOracle['costs'][number][] = []
  for (const { usage } of handedOver(inbox)) {
    for (const { node_id, ...numbers } of usage.sums) {
      const known = sums.get(node_id) ?? {}
      for (const [name, value] of Object.entries(numbers)) known[name] = (known[name] ?? 0n) + BigInt(value)
      sums.set(node_id, known)
    }
    for (const { node_id, cost } of usage.entries) {
      if (cost === null) continue
      costs.push({
        node: node_id,
        id: cost.event_id.toString('hex'),
        kind: cost.id_kind,
        nanoUsd: cost.cost_nano_usd,
      })
    }
  }
  // The settler may have passed less than the aggregator has counted, but at the end nothing except ticks may be missing.
  assert.deepEqual(costs, oracle.costs)
  assert.deepEqual(sums, oracle.nodes)
}
