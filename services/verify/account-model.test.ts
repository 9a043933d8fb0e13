import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inboxConfigureCodec, inboxUsageCodec } from '../../schemas/avro.ts'
import { formatUuid, hashToUuid } from '../../schemas/ids.ts'
import type { InboxEntry, InboxUsage } from '../../schemas/records.ts'
import { AccountModel, BrokenHandOver } from './account-model.ts'
import type { SourceRecord } from './source.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const USD = 1_000_000_000

function entry(usd: number, operator: string | null = null): InboxEntry {
  return {
    node_id: 'node-1',
    operator_id: operator,
    cost: {
      event_id: Buffer.alloc(16, 3),
      task_source: 'hive',
      occurred_at: NOW_MS,
      cost_nano_usd: Math.round(usd * USD),
      reservation_id: null,
    },
  }
}

class Inbox {
  readonly model = AccountModel.fromZero()
  #to = 0

  append(value: Buffer, timestampMs = NOW_MS): InboxUsage | null {
    const record: SourceRecord = { partition: 0, offset: 0n, timestampMs, key: null, value, headers: {} }
    return this.model.apply(record)
  }

  usage(entries: InboxEntry[], range: Partial<InboxUsage> = {}, timestampMs = NOW_MS): InboxUsage | null {
    const from = this.#to
    this.#to += 1
    return this.append(
      inboxUsageCodec.encode({
        from_offset: from,
        from_index: 0,
        to_offset: this.#to,
        to_index: 0,
        watermark: 0,
        entries,
        sums: [],
        ...range,
      }),
      timestampMs,
    )
  }
}

const rows = (map: ReadonlyMap<string, unknown>): unknown[] => [...map.values()]

describe('accounts, worked out plainly', () => {
  it('pay when ten Spark are pending, and not before', () => {
    const inbox = new Inbox()
    inbox.usage([entry(0.04, 'op'), entry(0.059)])
    assert.equal(inbox.model.settlements.size, 0)
    inbox.usage([entry(0.000_000_001)])
    assert.deepEqual(rows(inbox.model.settlements), [
      {
        operator_id: 'op',
        from_seq: 0,
        to_seq: 3,
        costs: 3n,
        cost_nano_usd: 99_000_001n,
        spark: 10n,
        settled_at: NOW_MS,
        reason: 'threshold',
      },
    ])
    const id = formatUuid(hashToUuid('settlement/node-1/0/3'))
    assert.deepEqual(
      [...inbox.model.ledger],
      [
        [
          `op ${formatUuid(hashToUuid(`entry/${id}/operator`))}`,
          {
            counter_wallet_id: '!issuer',
            node_id: 'node-1',
            kind: 'api_cost_recovery',
            reference_id: id,
            micro_spark: 10_000_000n,
            booked_at: NOW_MS,
          },
        ],
        [
          `!issuer ${formatUuid(hashToUuid(`entry/${id}/issuer`))}`,
          {
            counter_wallet_id: 'op',
            node_id: 'node-1',
            kind: 'api_cost_recovery',
            reference_id: id,
            micro_spark: -10_000_000n,
            booked_at: NOW_MS,
          },
        ],
      ],
    )
  })

  it('write off what nobody can be paid for, and pay it at once when the first operator is named', () => {
    const inbox = new Inbox()
    inbox.usage([entry(5), entry(0.001)])
    assert.deepEqual(
      rows(inbox.model.decisions).map((row) => (row as { decision: string }).decision),
      ['written_off', 'written_off'],
    )
    inbox.usage([entry(0.001, 'op'), entry(1, 'other')], {}, NOW_MS + 1)
    assert.deepEqual(
      rows(inbox.model.settlements).map((row) => {
        const { from_seq, to_seq, spark, reason, operator_id } = row as Record<string, unknown>
        return [from_seq, to_seq, spark, reason, operator_id]
      }),
      [
        [0, 2, 501n, 'claimed', 'op'],
        [2, 4, 101n, 'threshold', 'op'],
      ],
    )
  })

  it('count a range once, and stop at a gap', () => {
    const inbox = new Inbox()
    inbox.usage([entry(1, 'op')])
    assert.equal(inbox.usage([entry(1)], { from_offset: 0, to_offset: 1 }), null)
    assert.equal(inbox.model.decisions.size, 1)
    assert.throws(() => inbox.usage([], { from_offset: 5, to_offset: 6 }), BrokenHandOver)
  })

  it('use the rate from its record on, never a lower version', () => {
    const inbox = new Inbox()
    const rate = (version: number, spark_per_usd: number) =>
      inbox.append(inboxConfigureCodec.encode({ version, spark_per_usd }))
    inbox.usage([entry(1, 'op')])
    rate(2, 7)
    rate(1, 9)
    inbox.usage([entry(1)])
    assert.deepEqual(
      rows(inbox.model.decisions).map((row) => (row as { spark: bigint }).spark),
      [100n, 7n],
    )
  })

  it('keep a log time that falls from falling', () => {
    const inbox = new Inbox()
    inbox.usage([entry(1, 'op')], {}, NOW_MS + 5)
    inbox.usage([entry(1)], {}, NOW_MS)
    assert.deepEqual(
      rows(inbox.model.decisions).map((row) => (row as { decided_at: number }).decided_at),
      [NOW_MS + 5, NOW_MS + 5],
    )
  })

  it('set records aside that are none of the inbox', () => {
    const inbox = new Inbox()
    inbox.append(Buffer.from('nonsense'))
    assert.deepEqual(inbox.model.setAside[0]?.reasons, [{ index: -1, reason: 'unknown_schema' }])
  })
})
