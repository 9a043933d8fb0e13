import assert from 'node:assert/strict'
import { sumColumn } from '../../../schemas/tables.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import type { Installation } from '../processes/installation.ts'
import { until } from '../until.ts'

/** The sums that the tables must contain. */
export interface Totals {
  readonly events: number
  readonly tokensIn: number
  readonly tokensOut: number
  readonly costNanoUsd: number
}

const NONE: Totals = { events: 0, tokensIn: 0, tokensOut: 0, costNanoUsd: 0 }

/** What was sent, kept in memory with code of its own: identity is (node, event id), and the first copy counts. */
export class Truth {
  readonly #seen = new Set<string>()
  #all = NONE
  #paid = { costs: 0, costNanoUsd: 0 }
  repeats = 0

  add(event: UsageEvent): void {
    const identity = `${event.node_id} ${event.event_id.toString('hex')}`
    if (this.#seen.has(identity)) {
      this.repeats++
      return
    }
    this.#seen.add(identity)
    this.#all = {
      events: this.#all.events + 1,
      tokensIn: this.#all.tokensIn + event.tokens_in,
      tokensOut: this.#all.tokensOut + event.tokens_out,
      costNanoUsd: this.#all.costNanoUsd + event.cost_nano_usd,
    }
    if (event.task_source === 'own' || event.cost_nano_usd === 0) return
    this.#paid.costs++
    this.#paid.costNanoUsd += event.cost_nano_usd
  }

  get totals(): Totals {
    return this.#all
  }

  /** Waits until the raw events are all there, then compares every table with the truth. */
  async matches(installation: Installation, timeoutMs = 30_000): Promise<void> {
    await this.arrives(installation, timeoutMs)
    const { totals } = this
    const sums = (tokensIn: string, tokensOut: string) =>
      `sum(toInt128(${tokensIn})) AS tokensIn, sum(toInt128(${tokensOut})) AS tokensOut,
       sum(toInt128(cost_nano_usd)) AS costNanoUsd`
    const raw = `SELECT count() AS events, ${sums('tokens_in', 'tokens_out')} FROM usage_events`
    const windowSums = sums(sumColumn('tokens_in'), sumColumn('tokens_out'))
    const rollup = (table: string) => `SELECT sum(toInt128(events)) AS events, ${windowSums} FROM ${table}`
    assert.deepEqual(await totalsOf(installation, raw), totals, 'usage_events')
    const unique = await installation.row<{ ids: string }>(
      'SELECT uniqExact(node_id, event_id) AS ids FROM usage_events',
    )
    assert.equal(Number(unique.ids), totals.events, 'distinct ids in usage_events')
    assert.deepEqual(await totalsOf(installation, rollup('usage_1m')), totals, 'usage_1m')
    assert.deepEqual(await totalsOf(installation, rollup('usage_15m')), totals, 'usage_15m')
  }

  /** Waits until the decisions are all there, then compares them with the truth, and the ledger's legs with each other. */
  async isPaid(installation: Installation, timeoutMs = 30_000): Promise<void> {
    const ask = () =>
      installation.row<{ costs: string; unique: string; nanoUsd: string }>(
        `SELECT count() AS costs, uniqExact(node_id, event_id) AS unique,
                sum(toInt128(cost_nano_usd)) AS nanoUsd
           FROM cost_decisions`,
      )
    await until(
      'all costs to be decided',
      timeoutMs,
      async () => Number((await ask()).costs) >= this.#paid.costs,
    )
    const { costs, unique, nanoUsd } = await ask()
    const { costs: expected, costNanoUsd } = this.#paid
    assert.deepEqual([Number(costs), Number(unique), Number(nanoUsd)], [expected, expected, costNanoUsd])
    const ledger = await installation.row<{ balance: string; legs: string; ids: string }>(
      `SELECT sum(toInt128(amount_micro_spark)) AS balance, count() AS legs, uniqExact(entry_id) AS ids
         FROM wallet_ledger`,
    )
    assert.equal(ledger.balance, '0', 'the legs of all payments sum to zero')
    assert.equal(ledger.legs, ledger.ids, 'no leg stands twice')
  }

  /** Waits until the events are in the raw table and in both rollups, which come one after the other. */
  async arrives(installation: Installation, timeoutMs = 30_000): Promise<void> {
    const count = async () => {
      const found = await installation.row<Record<'raw' | 'minutes' | 'quarters', string>>(
        `SELECT (SELECT count() FROM usage_events) AS raw, (SELECT sum(toInt128(events)) FROM usage_1m) AS minutes,
                (SELECT sum(toInt128(events)) FROM usage_15m) AS quarters`,
      )
      return Math.min(Number(found.raw), Number(found.minutes), Number(found.quarters))
    }
    let found = 0
    await until(
      `${this.totals.events} events in usage_events, usage_1m and usage_15m`,
      timeoutMs,
      async () => (found = await count()) >= this.totals.events,
      () => `${found} are there`,
    )
  }
}

async function totalsOf(installation: Installation, sql: string): Promise<Totals> {
  const row = await installation.row<Record<keyof Totals, string>>(sql)
  return {
    events: Number(row.events),
    tokensIn: Number(row.tokensIn),
    tokensOut: Number(row.tokensOut),
    costNanoUsd: Number(row.costNanoUsd),
  }
}
