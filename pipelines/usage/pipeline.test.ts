import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { AggregatorLog } from '../../test/support/records/aggregator-log.ts'
import type { Row } from '../../test/support/oracles/row-reader.ts'
import { SettlerLog } from '../../test/support/records/settler-log.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'
import type { TransactionEnd } from '../../test/support/records/task-log.ts'
import { eventId } from '../../test/support/records/usage-events.ts'
import { usageLog, USAGE_START_MS } from '../../test/support/records/usage-log.ts'
import { together, usageOracle } from '../../test/support/oracles/usage-oracle.ts'
import type { Sums } from '../../test/support/oracles/usage-oracle.ts'

const cuts = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 40 })
const ends = fc.array(fc.constantFrom<TransactionEnd>('commit', 'commit', 'lost', 'unknown'), {
  maxLength: 30,
})
const anyLog = usageLog(fc.constantFrom(0, 1, 1_000, 59_999, 600_000))

const byPlace = (left: Row, right: Row): number =>
  Number(left['record_offset']) - Number(right['record_offset']) ||
  Number(left['record_index']) - Number(right['record_index'])

/** Sums of all deltas of a window and series, as a reader would make them. */
function windowsOf(log: AggregatorLog, table: 'usage_1m' | 'usage_15m'): Map<string, Sums> {
  const sums = new Map<string, Sums>()
  for (const { node_id, window_start, model_id, task_source, ...columns } of log.rows(table)) {
    const key = [node_id, window_start, model_id, task_source].join(' ')
    const known = sums.get(key) ?? {}
    for (const [name, value] of Object.entries(columns))
      known[name] = together(name, known[name] ?? 0n, BigInt(String(value)))
    sums.set(key, known)
  }
  return sums
}

/** Compares everything that must not depend on batches, crashes or memory with the plain model. */
function assertIsOracle(log: AggregatorLog, undecidable?: (name: string) => boolean): void {
  const oracle = usageOracle(log.input, undecidable)
  const rows = log.rows('usage_events').toSorted(byPlace)
  assert.deepEqual(
    rows.map(({ content_hash: _hash, ...row }) => row),
    oracle.rows,
  )
  assert.deepEqual(windowsOf(log, 'usage_1m'), oracle.minutes)
  assert.deepEqual(windowsOf(log, 'usage_15m'), oracle.quarters)
  const letters = log
    .rows('dead_letters')
    .map((row) => [Number(row['record_offset']), row['reasons']] as const)
  assert.deepEqual(new Map(letters), oracle.dead)
  assert.equal(letters.length, oracle.dead.size)
  assertHandedOver(log, oracle)
  assert.equal(log.task()?.watermark, oracle.watermark)
  assert.equal(log.task()?.position, Number(log.input.at(-1)?.offset) + 1)
}

function assertHandedOver(log: AggregatorLog, oracle: ReturnType<typeof usageOracle>): void {
  const inbox = log.inbox()
  let handed = { offset: 0, index: 0 }
  let watermark = 0
  const sums = new Map<string, Sums>()
  for (const record of inbox) {
    assert.deepEqual({ offset: record.from_offset, index: record.from_index }, handed, 'ranges tile')
    handed = { offset: record.to_offset, index: record.to_index }
    assert.ok(record.watermark >= watermark, 'the watermark never falls')
    watermark = record.watermark
    for (const { node_id, ...numbers } of record.sums) {
      const known = sums.get(node_id) ?? {}
      for (const [name, value] of Object.entries(numbers)) known[name] = (known[name] ?? 0n) + BigInt(value)
      sums.set(node_id, known)
    }
  }
  assert.deepEqual(handed, { offset: log.task()?.position, index: 0 })
  assert.deepEqual(sums, oracle.nodes)
  assert.deepEqual(
    inbox.flatMap(({ entries }) =>
      entries.flatMap(({ node_id, cost }) =>
        cost === null
          ? []
          : [
              {
                node: node_id,
                id: cost.event_id.toString('hex'),
                kind: cost.id_kind,
                nanoUsd: cost.cost_nano_usd,
              },
            ],
      ),
    ),
    oracle.costs,
  )
}

/** What a settler makes of the inbox: decisions, settlements and ledger, without times. */
async function settledFrom(log: AggregatorLog): Promise<unknown> {
  const settler = new SettlerLog(
    log.values('account.inbox', null).map((value, index) => inputRecord(index, USAGE_START_MS, value)),
  )
  await settler.run()
  return (['cost_decisions', 'settlements', 'wallet_ledger'] as const).map((table) => settler.rows(table))
}

test('any batch borders give the same rows, windows, costs and dead letters: those of the plain model', async () => {
  await fc.assert(
    fc.asyncProperty(anyLog, cuts, async (input, cuts) => {
      const log = new AggregatorLog({ input })
      await log.run(cuts)
      assertIsOracle(log)
    }),
    { numRuns: 80 },
  )
})

test('events that cannot be decided are letters, whatever else their records hold; the rest is that of the plain model', async () => {
  const anyEvents = fc.uniqueArray(fc.nat(60), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(anyLog, cuts, anyEvents, async (input, cuts, ids) => {
      const hexes = new Set(ids.map((id) => eventId(id).toString('hex')))
      const undecidable = (name: string): boolean => hexes.has(name.slice(name.indexOf('/') + 1))
      const decidePoint = (name: string): void => {
        if (undecidable(name)) throw new RangeError(`${name} is no long`)
      }
      const log = new AggregatorLog({ input, decidePoint })
      await log.runSettingAside(cuts)
      assertIsOracle(log, undecidable)
    }),
    { numRuns: 60 },
  )
})

test('any batch borders give the same decisions, settlements and ledger', async () => {
  await fc.assert(
    fc.asyncProperty(anyLog, cuts, async (input, cuts) => {
      const whole = new AggregatorLog({ input })
      await whole.run()
      const cut = new AggregatorLog({ input })
      await cut.run(cuts)
      assert.deepEqual(await settledFrom(cut), await settledFrom(whole))
    }),
    { numRuns: 40 },
  )
})

test('a task thrown away anywhere goes on to the same result from what was committed', async () => {
  await fc.assert(
    fc.asyncProperty(anyLog, cuts, ends, async (input, cuts, ends) => {
      const log = new AggregatorLog({ input })
      await log.run(cuts, ends)
      assertIsOracle(log)
      const seqs = log.blocks().map(({ seq }) => seq)
      assert.deepEqual(
        seqs,
        seqs.map((_, index) => index + 1),
      )
    }),
    { numRuns: 80 },
  )
})

test('a memory for few ids forgets, looks up, and counts the same', async () => {
  const hours = usageLog(fc.constantFrom(0, 60_000, 3_600_000, 10_000_000, 100_000_000))
  let lookups = 0
  let evictions = 0
  await fc.assert(
    fc.asyncProperty(
      hours,
      cuts,
      ends,
      fc.integer({ min: 5, max: 20 }),
      async (input, cuts, ends, idsMax) => {
        const log = new AggregatorLog({ input, idsMax })
        log.deletes = idsMax % 2 === 0
        await log.run(cuts, ends)
        assertIsOracle(log)
        lookups += log.lookups.length
        evictions += Number(log.task()?.low !== null)
      },
    ),
    { numRuns: 100 },
  )
  assert.ok(lookups > 20 && evictions > 20, `${lookups} look-ups, ${evictions} runs with evictions`)
})
