import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { STATE_KEY, inboxCommandCodec, inboxHeartbeatCodec, inboxUsageCodec } from '../../../schemas/avro.ts'
import { formatUuid, hashToUuid } from '../../../schemas/ids.ts'
import type {
  CommandKind,
  InboxCommand,
  InboxEntry,
  InboxHeartbeat,
  InboxUsage,
} from '../../../schemas/records.ts'
import type { Setting } from '../../../schemas/settings.ts'
import { commandId, command as commandOf, heartbeat } from '../../../test/support/records/inbox-requests.ts'
import { testRulesRecord } from '../../../test/support/records/rules.ts'

import { BrokenHandOver } from '../hand-over.ts'
import { AccountModel } from './model.ts'
import type { Cell } from '../differences.ts'
import type { SourceRecord } from '../source.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const USD = 1_000_000_000
const DAY_MS = 86_400_000

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
      id_kind: 'id',
      received_at: NOW_MS,
    },
  }
}

function reserved(usd: number, reservation_id: string): InboxEntry {
  const { cost, ...rest } = entry(usd)
  return { ...rest, cost: cost && { ...cost, reservation_id } }
}

class Inbox {
  readonly model = AccountModel.fromZero()
  #to = 0
  #commands = 0

  constructor() {
    this.append(testRulesRecord(), 0)
  }

  append(value: Buffer, timestampMs = NOW_MS): void {
    const record: SourceRecord = { partition: 0, offset: 0n, timestampMs, key: null, value, headers: {} }
    this.model.apply(record)
  }

  command(kind: CommandKind, fields: Partial<InboxCommand> = {}, timestampMs = NOW_MS): void {
    const command_id = commandId(this.#commands++)
    const body = commandOf(kind, { command_id, node_id: 'node-1', ...fields })
    this.append(inboxCommandCodec.encode(body), timestampMs)
  }

  set(settings: readonly Setting[], timestampMs = NOW_MS): void {
    this.command('settings', { changes: [...settings] }, timestampMs)
  }

  heartbeat(number: number, fields: Partial<InboxHeartbeat> = {}, timestampMs = NOW_MS): void {
    this.append(inboxHeartbeatCodec.encode(heartbeat(number, { node_id: 'node-1', ...fields })), timestampMs)
  }

  /** One column of all rows of a kind, in their order. */
  column(kind: 'decisions' | 'settlements' | 'ledger' | 'audit', column: string): Cell[] {
    return [...this.model.rows[kind].values()].map((row) => row[column] ?? null)
  }

  usage(entries: InboxEntry[], range: Partial<InboxUsage> = {}, timestampMs = NOW_MS): void {
    const from = this.#to
    this.#to += 1
    this.append(
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
  it('change settings where one of several tags is the present one, as the settler does', () => {
    const inbox = new Inbox()
    const write = (pct: number, expected: string) =>
      inbox.command('settings', { changes: [{ name: 'max_hive_gpu_pct', value: pct }], expected })
    inbox.set([{ name: 'max_hive_gpu_pct', value: 1 }])
    write(2, '"0.1"\n"1.1"')
    write(3, '"0.1"\n"1.1"')
    assert.deepEqual(inbox.column('audit', 'status'), [200, 200, 412])
  })

  it('pay when ten Spark are pending, and not before', () => {
    const inbox = new Inbox()
    inbox.usage([entry(0.04, 'op'), entry(0.059)])
    assert.equal(inbox.model.rows.settlements.size, 0)
    inbox.usage([entry(0.000_000_001)])
    assert.deepEqual(rows(inbox.model.rows.settlements), [
      {
        operator_id: 'op',
        from_seq: 0,
        to_seq: 3,
        costs: 3n,
        cost_nano_usd: 99_000_001n,
        spark: 10n,
        settled_at: NOW_MS,
        reason: 'threshold',
        micro_spark: 10_000_000n,
        paid_micro_spark: 10_000_000n,
      },
    ])
    const id = formatUuid(hashToUuid('settlement/node-1/0/3'))
    assert.deepEqual(
      [...inbox.model.rows.ledger],
      [
        [
          `op ${formatUuid(hashToUuid(`entry/${id}/operator`))}`,
          {
            counter_wallet_id: '!issuer',
            node_id: 'node-1',
            kind: 'api_cost_recovery',
            reference_id: id,
            micro_spark: 10_000_000n,
            amount_micro_spark: 10_000_000n,
            booked_at: NOW_MS,
            detail: '',
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
            amount_micro_spark: -10_000_000n,
            booked_at: NOW_MS,
            detail: '',
          },
        ],
      ],
    )
  })

  it('write off what nobody can be paid for, and pay it at once when the first operator is named', () => {
    const inbox = new Inbox()
    inbox.usage([entry(5), entry(0.001)])
    assert.deepEqual(
      rows(inbox.model.rows.decisions).map((row) => (row as { decision: string }).decision),
      ['written_off', 'written_off'],
    )
    inbox.usage([entry(0.001, 'op'), entry(1, 'other')], {}, NOW_MS + 1)
    assert.deepEqual(
      rows(inbox.model.rows.settlements).map((row) => {
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
    inbox.usage([entry(1)], { from_offset: 0, to_offset: 1 })
    assert.equal(inbox.model.rows.decisions.size, 1)
    assert.throws(() => inbox.usage([], { from_offset: 5, to_offset: 6 }), BrokenHandOver)
  })

  it('use the rate from its record on, never a lower version', () => {
    const inbox = new Inbox()
    const rate = (version: number, spark_per_usd: number) =>
      inbox.append(testRulesRecord({ version, spark_per_usd }))
    inbox.usage([entry(1, 'op')])
    rate(2, 7)
    rate(1, 9)
    inbox.usage([entry(1)])
    assert.deepEqual(
      rows(inbox.model.rows.decisions).map((row) => (row as { spark: bigint }).spark),
      [100n, 7n],
    )
  })

  it('keep a log time that falls from falling', () => {
    const inbox = new Inbox()
    inbox.usage([entry(1, 'op')], {}, NOW_MS + 5)
    inbox.usage([entry(1)], {}, NOW_MS)
    assert.deepEqual(
      rows(inbox.model.rows.decisions).map((row) => (row as { decided_at: number }).decided_at),
      [NOW_MS + 5, NOW_MS + 5],
    )
  })

  it('set records aside that are none of the inbox', () => {
    const inbox = new Inbox()
    inbox.append(Buffer.from('nonsense'))
    assert.deepEqual(inbox.model.setAside[0]?.reasons, [{ index: -1, reason: 'unknown_schema' }])
  })

  it("admit exactly a day's limit, count what is reserved of it, and remember 50 days", () => {
    const inbox = new Inbox()
    inbox.set([{ name: 'metered_daily_limit_usd', value: 1 * USD }])
    inbox.command('reserve', { cost_nano_usd: 400_000_000, ttl_ms: 60_000, reservation_id: 'kept' })
    inbox.command('reserve', { cost_nano_usd: 600_000_001, ttl_ms: 60_000 })
    inbox.usage([entry(0.6, 'op'), entry(0.000_000_001)])
    assert.deepEqual(inbox.column('audit', 'status'), [200, 201, 409])
    assert.deepEqual(inbox.column('decisions', 'decision'), ['pending', 'over_limit'])
    assert.deepEqual(inbox.column('decisions', 'day_spent_nano_usd'), [400_000_000n, 1_000_000_000n])
    inbox.usage([reserved(0.3, 'kept'), entry(0.1)], {}, NOW_MS + DAY_MS)
    assert.deepEqual(inbox.column('decisions', 'decision').slice(2), ['pending', 'pending'])
    inbox.usage([entry(0.000_000_001)], {}, NOW_MS + 50 * DAY_MS)
    assert.deepEqual(inbox.column('decisions', 'decision').slice(4), ['over_limit'])
  })

  it('settle at once when the minimum falls, on demand whatever it is, and before a node changes hands', () => {
    const inbox = new Inbox()
    inbox.set([{ name: 'min_settlement_spark', value: 1_000 }])
    inbox.usage([entry(1, 'op'), entry(1)])
    assert.deepEqual(inbox.column('settlements', 'reason'), [])
    inbox.set([{ name: 'min_settlement_spark', value: 200 }])
    inbox.set([{ name: 'auto_settle', value: false }])
    inbox.usage([entry(3)])
    inbox.command('settle')
    inbox.usage([entry(4)])
    inbox.command('transfer', { operator_id: 'next' })
    assert.deepEqual(inbox.column('settlements', 'reason'), ['threshold', 'requested', 'transferred'])
    assert.deepEqual(inbox.column('settlements', 'operator_id'), ['op', 'op', 'op'])
    inbox.usage([entry(5)])
    inbox.command('settle')
    assert.deepEqual(inbox.column('settlements', 'operator_id').at(-1), 'next')
  })

  it('reward a contact once a day, agents once each, and every impression once', () => {
    const inbox = new Inbox()
    inbox.heartbeat(1, { agent_count: 60, ad_impressions: 90 })
    inbox.heartbeat(1, { ad_impressions: 90 })
    assert.deepEqual(inbox.column('ledger', 'kind'), [], 'nobody to pay yet')
    inbox.heartbeat(2, { operator_id: 'op', ad_impressions: 20 })
    inbox.heartbeat(3, { ad_impressions: 1 })
    inbox.heartbeat(4, {}, NOW_MS + DAY_MS)
    const ofOperator = [...inbox.model.rows.ledger].filter(([key]) => key.startsWith('op '))
    assert.deepEqual(
      ofOperator.map(([, row]) => [row['kind'], row['micro_spark']]),
      [
        ['uptime_bonus', 10_000_000n],
        ['milestone', 50_000_000n],
        ['milestone', 50_000_000n],
        // 110 impressions come to 9.9 Spark: 0.9 are carried until the next one completes a whole Spark.
        ['ad_revenue', 9_000_000n],
        ['ad_bonus', 1_000_000n],
        ['uptime_bonus', 10_000_000n],
      ],
    )
    assert.equal(inbox.model.accounts.get('node-1')?.rewards.adRemainder, 990_000n)
  })

  it('carry what exact costs leave below a micro-Spark, node and operator apart', () => {
    const inbox = new Inbox()
    inbox.append(testRulesRecord({ version: 2, spark_per_usd: 1, spark_mode: 'exact' }))
    inbox.usage([entry(0.000_000_6), entry(0.000_000_6, 'op'), entry(0.000_000_6)])
    assert.deepEqual(inbox.column('decisions', 'micro_spark'), [0n, 1n, 0n])
    assert.equal(inbox.model.accounts.get('node-1')?.operators[0]?.remainder, 800n)
  })

  it('know a command again for a day, and refuse what is not possible', () => {
    const inbox = new Inbox()
    const settle = inboxCommandCodec.encode(commandOf('settle', { node_id: 'node-1' }))
    inbox.append(settle)
    inbox.append(settle)
    assert.deepEqual(inbox.column('audit', 'status'), [404])
    inbox.append(settle, NOW_MS + DAY_MS + 60_000)
    assert.deepEqual(inbox.column('audit', 'status'), [404, 404])
    inbox.set([{ name: 'max_hive_gpu_pct', value: 101 }])
    assert.deepEqual(inbox.model.setAside.at(-1)?.reasons, [{ index: -1, reason: 'malformed' }])
    assert.equal(inbox.model.accounts.size, 0)
  })

  it('confirm an operator by the word of whoever may say so, from the rules on that write it down', () => {
    const inbox = new Inbox()
    const confirmed = () =>
      inbox.model.accounts
        .get('node-1')
        ?.operators.map(({ operatorId, isConfirmed }) => [operatorId, isConfirmed])
    inbox.heartbeat(1, { operator_id: 'op', by_admin: true })
    inbox.command('claim', { operator_id: 'op', by_admin: true })
    assert.deepEqual(confirmed(), [['op', false]], 'before')
    inbox.model.since = [{ rules: 3, offset: 0 }]
    inbox.command('join', { operator_id: 'op' }, NOW_MS + 1)
    inbox.command('join', { operator_id: 'other', by_operator: true }, NOW_MS + 1)
    assert.deepEqual(confirmed(), [['op', false]])
    inbox.command('join', { operator_id: 'op', by_operator: true }, NOW_MS + 2)
    assert.deepEqual(confirmed(), [['op', true]])
    assert.equal(inbox.model.accounts.get('node-1')?.changedAtMs, NOW_MS + 2)
    inbox.command('confirm', { operator_id: 'op', by_admin: true }, NOW_MS + 3)
    assert.equal(inbox.model.accounts.get('node-1')?.changedAtMs, NOW_MS + 2, 'it changes nothing more')
    inbox.command('transfer', { operator_id: 'next' }, NOW_MS + 4)
    assert.deepEqual(confirmed(), [
      ['op', true],
      ['next', false],
    ])
    inbox.command('confirm', { operator_id: 'op' })
    assert.deepEqual(inbox.model.setAside.at(-1)?.reasons, [{ index: -1, reason: 'malformed' }])
  })

  it('make nothing under the name of a record of the task itself', () => {
    const inbox = new Inbox()
    for (const node_id of Object.values(STATE_KEY)) {
      inbox.command('settings', { node_id })
      assert.deepEqual(inbox.model.setAside.at(-1)?.reasons, [{ index: -1, reason: 'malformed' }])
      inbox.heartbeat(1, { node_id })
    }
    assert.equal(inbox.model.setAside.length, 2 * Object.values(STATE_KEY).length)
    assert.equal(inbox.model.accounts.size, 0)
  })
})

describe('what a release came to', () => {
  it('is known for the minute by the rules of before, and for a day since', () => {
    const untils = [2, 3].map((rules) => {
      const inbox = new Inbox()
      inbox.model.since = [{ rules, offset: 0 }]
      inbox.command('join')
      inbox.command('release', { reservation_id: 'r' })
      inbox.command('release', { node_id: 'node-2', reservation_id: 'r' })
      inbox.command('reserve', { node_id: 'node-2', cost_nano_usd: 1, ttl_ms: 1_000 })
      return [...inbox.model.outcomes.all.values()].slice(1).map(({ untilMs }) => untilMs - NOW_MS)
    })
    assert.deepEqual(untils, [
      [0, DAY_MS, DAY_MS],
      [DAY_MS, DAY_MS, 0],
    ])
  })
})
