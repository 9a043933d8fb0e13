import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { inboxUsageCodec } from '../../schemas/avro.ts'
import type { InboxUsage } from '../../schemas/records.ts'
import { TASK_SOURCES, USAGE_BOUNDS } from '../../schemas/usage.ts'
import { viewOf } from '../../schemas/rowbinary.ts'
import { cost } from '../../test/support/inbox.ts'
import { Dictionary } from './dictionary.ts'
import { HAND_OVER_ITEMS_MAX, HandOver } from './hand-over.ts'
import { Deltas, SUM_COLUMNS, SUMS } from './rollup.ts'

const valuesOf = (fields: Partial<Record<keyof typeof SUMS, number>>): Float64Array => {
  const values = new Float64Array(SUM_COLUMNS)
  for (const [name, value] of Object.entries(fields)) values[SUMS[name as keyof typeof SUMS]] = value
  return values
}

const NODE_MAX = 400

interface Event {
  readonly node: number
  readonly isOwn: boolean
  readonly costNanoUsd: number
  readonly energyMwh: number
}

/** Hands events over, one record of 100 events after the other, as the counter does. */
function handOver(events: readonly Event[], from = 0): InboxUsage[] {
  const minutes = new Deltas()
  const names = new Dictionary()
  for (let node = 0; node <= NODE_MAX; node++) {
    const name = Buffer.from(`node-${node}`)
    names.number(viewOf(name), 0, name.length)
  }
  const out = new HandOver({ offset: from, index: 0 }, minutes, names)
  for (const [number, { node, isOwn, costNanoUsd, energyMwh }] of events.entries()) {
    const position = { offset: from + Math.floor(number / 100), index: number % 100 }
    if (out.isFull()) out.cut(position, number)
    if (!isOwn && costNanoUsd > 0) {
      out.addEntry({ node_id: `node-${node}`, operator_id: null, cost: cost(costNanoUsd) })
    }
    const values = valuesOf({
      events: 1,
      tokensIn: 1,
      energyMwhMeasured: energyMwh,
      energyMwhCompatible: energyMwh,
      costNanoUsd,
    })
    // Two kinds of work and two minutes: a node's sums are those of several deltas.
    minutes.add(node, TASK_SOURCES.indexOf(isOwn ? 'own' : 'hive') + 4 * (number % 2), number % 3, values)
    out.addEvent(node, isOwn ? 0 : costNanoUsd)
  }
  const end = { offset: from + Math.ceil(events.length / 100), index: 0 }
  const appends = out.finish(end, events.length, 'account.inbox', 3)
  for (const { topic, partition, key } of appends)
    assert.deepEqual([topic, partition, key], ['account.inbox', 3, null])
  return appends.map(({ value }) => inboxUsageCodec.decode(value ?? Buffer.alloc(0)))
}

const event = fc.record({
  node: fc.nat(NODE_MAX),
  isOwn: fc.boolean(),
  costNanoUsd: fc.oneof(fc.constant(0), fc.nat(1_000), fc.constant(USAGE_BOUNDS.costNanoUsdMax)),
  energyMwh: fc.oneof(fc.constant(0), fc.constant(USAGE_BOUNDS.energyMwhMax)),
})

/** Ranges tile whatever the cuts, and the records say of every node exactly what its events do. */
function assertHandsOver(events: readonly Event[], records: readonly InboxUsage[], from: number): void {
  let handed = { offset: from, index: 0 }
  const sums = new Map<string, bigint[]>()
  for (const record of records) {
    assert.deepEqual({ offset: record.from_offset, index: record.from_index }, handed)
    handed = { offset: record.to_offset, index: record.to_index }
    assert.ok(record.entries.length + record.sums.length <= HAND_OVER_ITEMS_MAX + 2)
    assert.equal(new Set(record.sums.map(({ node_id }) => node_id)).size, record.sums.length)
    for (const sum of record.sums) {
      const known = sums.get(sum.node_id) ?? [0n, 0n, 0n, 0n]
      const said = [sum.events, sum.inferences, sum.cost_nano_usd, sum.energy_mwh_measured]
      for (const number of said) assert.ok(number < 2 ** 52, 'a number that avsc reads exactly')
      sums.set(
        sum.node_id,
        said.map((number, column) => BigInt(number) + (known[column] ?? 0n)),
      )
    }
  }
  assert.deepEqual(handed, { offset: from + Math.ceil(events.length / 100), index: 0 })
  const expected = new Map<string, bigint[]>()
  for (const { node, isOwn, costNanoUsd, energyMwh } of events) {
    const [count = 0n, inferences = 0n, nano = 0n, energy = 0n] = expected.get(`node-${node}`) ?? []
    const work = isOwn
      ? [inferences, nano, energy]
      : [inferences + 1n, nano + BigInt(costNanoUsd), energy + BigInt(energyMwh)]
    expected.set(`node-${node}`, [count + 1n, ...work])
  }
  assert.deepEqual(sums, expected)
  assert.deepEqual(
    records.flatMap(({ entries }) => entries.map(({ node_id, cost }) => [node_id, cost?.cost_nano_usd])),
    events
      .filter(({ isOwn, costNanoUsd }) => !isOwn && costNanoUsd > 0)
      .map(({ node, costNanoUsd }) => [`node-${node}`, costNanoUsd]),
  )
}

test('ranges tile and nothing is lost between them, whatever is handed over', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 300 }), fc.nat(1_000), (events, from) => {
      assertHandsOver(events, handOver(events, from), from)
    }),
  )
})

test('a record is cut before the event that follows 2,000 entries and sums', () => {
  const events = Array.from({ length: 5_000 }, () => ({
    node: 0,
    isOwn: false,
    costNanoUsd: 1,
    energyMwh: 0,
  }))
  const records = handOver(events)
  assertHandsOver(events, records, 0)
  // One sum and 1,999 entries each.
  assert.deepEqual(
    records.map(({ from_offset, from_index }) => [from_offset, from_index]),
    [
      [0, 0],
      [19, 99],
      [39, 98],
    ],
  )
})

test('sums of the largest costs and energies are cut while they are exact', () => {
  const { costNanoUsdMax, energyMwhMax } = USAGE_BOUNDS
  const costs = Array.from({ length: 50 }, () => ({
    node: 1,
    isOwn: false,
    costNanoUsd: costNanoUsdMax - 1,
    energyMwh: 0,
  }))
  assertHandsOver(costs, handOver(costs), 0)
  assert.ok(handOver(costs).length > 10)
  const energies = Array.from({ length: 10_000 }, () => ({
    node: 1,
    isOwn: false,
    costNanoUsd: 0,
    energyMwh: energyMwhMax - 1,
  }))
  assertHandsOver(energies, handOver(energies), 0)
  // The largest record of the largest energies stays exact without a cut.
  assert.equal(handOver(energies).length, 1)
})

test('a transaction of nothing hands its range and its watermark over', () => {
  const [record, ...more] = new HandOver({ offset: 7, index: 0 }, new Deltas(), new Dictionary())
    .finish({ offset: 9, index: 0 }, 55, 'account.inbox', 0)
    .map(({ value }) => inboxUsageCodec.decode(value ?? Buffer.alloc(0)))
  assert.deepEqual(more, [])
  assert.deepEqual(
    { ...record },
    { from_offset: 7, from_index: 0, to_offset: 9, to_index: 0, watermark: 55, entries: [], sums: [] },
  )
})

test('a batch names a node’s operator once', () => {
  const out = new HandOver({ offset: 0, index: 0 }, new Deltas(), new Dictionary())
  assert.deepEqual([out.namesFirst(3), out.namesFirst(3), out.namesFirst(4)], [true, false, true])
  out.cut({ offset: 1, index: 0 }, 1)
  assert.equal(out.namesFirst(3), false)
})
