import { systemClock } from '../../../pipelines/clock.ts'
import { formatUuid, hashToUuid, partitionOfNode } from '../../../schemas/ids.ts'
import { TABLES } from '../../../schemas/tables.ts'
import { blockTopics } from '../../../schemas/topics.ts'
import { WATERMARK_DELAY_MS } from '../../../schemas/usage.ts'
import { dateTime } from './history.ts'
import type { HistoryDatabase, HistoryRow } from './history.ts'
import { PARTITIONS, TOPICS } from '../memory/reader.ts'

/** A node's events, what was decided about their costs, settlements, and a wallet: as the loader stores them. */

export const NODE = 'node-a'
const PARTITION = partitionOfNode(NODE, PARTITIONS)
export const EVENTS = 120
/** Blocks above this one are not completely loaded. */
const LOADED = 100
export const NOW = systemClock.nowMs()
export const START = NOW - 20 * 3_600_000
const WATERMARK = NOW - 3_600_000

export const eventId = (index: number): string => formatUuid(hashToUuid(`event ${index}`))
export const occurredAt = (index: number): number => START + ((index * 7) % EVENTS) * 1_000
export const receivedAt = (index: number): number => START + 600_000 + Math.floor(index / 10) * 1_000

export type Fate =
  | 'own'
  | 'zero'
  | 'pending'
  | 'written_off'
  | 'not_allowed'
  | 'over_limit'
  | 'not decided yet'
const FATES = [
  'own',
  'zero',
  'written_off',
  'pending',
  'not_allowed',
  'over_limit',
  'pending',
  'pending',
] as const

/** The first costs came before there was an operator; the last ones have no decision in ClickHouse yet. */
export function fateOf(index: number): Fate {
  const fate = FATES[index % FATES.length] as Fate
  if (fate === 'own' || fate === 'zero') return fate
  if (index >= EVENTS - 10) return 'not decided yet'
  if (fate === 'written_off' || fate === 'pending') return index < 40 ? 'written_off' : 'pending'
  return fate
}

export interface Cost {
  readonly index: number
  readonly seq: number
  readonly fate: Fate
}

export const costs: Cost[] = Array.from({ length: EVENTS }, (_, index) => ({ index, fate: fateOf(index) }))
  .filter(({ fate }) => !['own', 'zero', 'not decided yet'].includes(fate))
  .map(({ index, fate }, position) => ({ index, fate, seq: position + 1 }))

/** Ranges that tile: the first pays what was written off, the next ones what is pending; the rest is open. */
export const RANGES = [
  { from: 0, to: 30, reason: 'claimed' },
  { from: 30, to: 45, reason: 'threshold' },
  { from: 45, to: 60, reason: 'threshold' },
] as const
export const SETTLED_TO = 60
export const settlementId = (to: number): string => formatUuid(hashToUuid(`settlement ${to}`))

export const nanoUsd = (index: number): number => 10_000_001 * (index + 1)
export const spark = (index: number): number => index + 1

const money = { src_topic: TOPICS[TABLES.costDecisions.filledBy], src_partition: PARTITION }
const usage = { src_topic: TOPICS[TABLES.usageEvents.filledBy], src_partition: PARTITION }

export async function fillUsage(history: HistoryDatabase): Promise<void> {
  const rows: HistoryRow[] = Array.from({ length: EVENTS }, (_, index) => {
    const fate = fateOf(index)
    return {
      ...usage,
      src_seq: index < EVENTS - 3 ? 1 + (index % LOADED) : LOADED + 1,
      node_id: NODE,
      event_id: eventId(index),
      event_text: index % 3 === 0 ? `order "${index}"` : '',
      operator_id: index % 2 === 0 ? 'ana' : '',
      model_id: 'gpt-4.1',
      task_source: fate === 'own' ? 'own' : 'hive',
      occurred_at: dateTime(occurredAt(index), 3),
      received_at: dateTime(receivedAt(index), 3),
      record_offset: Math.floor(index / 4),
      record_index: index % 4,
      tokens_in: index,
      tokens_out: 1,
      duration_ms: index % 2 === 0 ? null : 5,
      gpu_ms: index % 2 === 0 ? null : 1_500,
      gpu_ms_estimated: index % 2 === 0 ? index + 1 : 0,
      energy_mwh: index % 2 === 0 ? null : 71,
      energy_source: index % 2 === 0 ? 'none' : 'meter',
      energy_mwh_estimated: index % 2 === 0 ? 3 : 0,
      cost_nano_usd: fate === 'zero' ? 0 : nanoUsd(index),
      late: index % 9 === 0 ? 1 : 0,
    }
  })
  await history.insert('usage_events', rows)
  await history.insert('usage_events', [{ ...rows[0], node_id: 'other' }])
}

export async function fillMoney(history: HistoryDatabase): Promise<void> {
  const decisions: HistoryRow[] = costs.map(({ index, seq, fate }) => ({
    ...money,
    src_seq: 1,
    node_id: NODE,
    cost_seq: seq,
    event_id: eventId(index),
    operator_id: fate === 'written_off' ? '' : 'ana',
    task_source: 'hive',
    occurred_at: dateTime(occurredAt(index), 3),
    decided_at: dateTime(receivedAt(index) + 50, 3),
    decision: fate,
    cost_nano_usd: nanoUsd(index),
    spark: spark(index),
    spark_per_usd: 100,
  }))
  await history.insert('cost_decisions', decisions)
  const settlement = (from: number, to: number, reason: string, seq: number): HistoryRow => {
    const paid = payable(from, to)
    return {
      ...money,
      src_seq: seq,
      node_id: NODE,
      settlement_id: settlementId(to),
      operator_id: 'ana',
      from_seq: from,
      to_seq: to,
      costs: paid.length,
      cost_nano_usd: paid.reduce((sum, { index }) => sum + nanoUsd(index), 0),
      spark: paid.reduce((sum, { index }) => sum + spark(index), 0),
      settled_at: dateTime(START + 700_000 + to, 3),
      reason,
    }
  }
  const settlements = RANGES.map(({ from, to, reason }, index) => settlement(from, to, reason, index + 2))
  await history.insert('settlements', settlements)
  // On its way: its group is not completely loaded, so no client sees it yet.
  await history.insert('settlements', [settlement(SETTLED_TO, 62, 'threshold', LOADED + 1)])
}

/** Entries of ana's wallet from two partitions, some of them at the same time. */
export const entries = Array.from({ length: 57 }, (_, index) => ({
  partition: index % 2,
  seq: 1 + Math.floor(index / 4),
  bookedMs: START + Math.floor(index / 3) * 1_000,
  entryId: formatUuid(hashToUuid(`entry ${index}`)),
  microSpark: index % 5 === 4 ? -1_500_001n : 2_000_000n + BigInt(index),
}))

export async function fillWallets(history: HistoryDatabase): Promise<void> {
  const ledgerRow = (entry: (typeof entries)[number], wallet: string): HistoryRow => ({
    src_topic: TOPICS[TABLES.walletLedger.filledBy],
    src_partition: entry.partition,
    src_seq: entry.seq,
    wallet_id: wallet,
    entry_id: entry.entryId,
    counter_wallet_id: '!issuer',
    node_id: NODE,
    kind: 'api_cost_recovery',
    reference_id: settlementId(30),
    micro_spark: entry.microSpark,
    booked_at: dateTime(entry.bookedMs, 3),
  })
  await history.insert(
    'wallet_ledger',
    entries.map((entry) => ledgerRow(entry, 'ana')),
  )
  await history.insert(
    'wallet_ledger',
    entries.map((entry) => ledgerRow(entry, '!issuer')),
  )
  // A partition that is ahead of the others: another entry could still come before its entry.
  const ahead = {
    partition: 1,
    seq: 90,
    bookedMs: WATERMARK + WATERMARK_DELAY_MS,
    entryId: eventId(1),
    microSpark: 1n,
  }
  await history.insert('wallet_ledger', [ledgerRow(ahead, 'ana')])
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const watermark = dateTime(WATERMARK + partition * 600_000, 3)
    const row = { src_partition: partition, src_seq: LOADED }
    for (const src_topic of blockTopics(TOPICS))
      await history.insert('watermarks', [{ src_topic, ...row, watermark }])
  }
}

export function payable(fromSeq: number, toSeq: number): Cost[] {
  return costs.filter(
    ({ seq, fate }) => seq > fromSeq && seq <= toSeq && (fate === 'pending' || fate === 'written_off'),
  )
}
