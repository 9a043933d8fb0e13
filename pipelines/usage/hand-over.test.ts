import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { inboxUsageCodec, usageEventsCodec } from '../../schemas/avro.ts'
import type { InboxUsage, NodeSum } from '../../schemas/records.ts'
import { NODE_ID_BYTES_MAX } from '../../schemas/ids.ts'
import { energyOfGpuTime, TDP_WATTS_DEFAULT, USAGE_BOUNDS } from '../../schemas/usage.ts'
import { eventId, usageEvent } from '../../test/support/records/usage-events.ts'
import type { TopicAppend } from '../log/records.ts'
import { UsageColumns } from './decode.ts'
import { HAND_OVER_ITEMS_MAX, HandOver } from './hand-over.ts'
import { EVENTS_PER_BATCH_MAX, LARGE, SUM_COLUMNS, SUMS } from '../windows/deltas.ts'

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
  readonly operator?: string | null
  readonly reservation?: string | null
}

/** Node 0 has the longest possible name. */
const nameOf = (node: number): string => (node === 0 ? 'n'.repeat(NODE_ID_BYTES_MAX) : `node-${node}`)
const sourceOf = (node: number, isOwn: boolean) => (isOwn ? 'own' : node % 2 === 0 ? 'hive' : 'idle')
/** Times before 1970 occur too: a replay of old records may state that they were received then. */
const timeOf = (number: number): number => (number % 5 === 0 ? -number : 1_700_000_000_000 + number)

const receiptOf = (number: number): number => timeOf(number) + 7 * number

/** A record of usage.metered with the events, in the columns. */
function decoded(columns: UsageColumns, events: readonly Event[], firstNumber = 0): void {
  const value = usageEventsCodec.encode({
    events: events.map(({ node, isOwn, costNanoUsd, operator = null, reservation = null }, index) =>
      usageEvent({
        event_id: eventId(firstNumber + index),
        node_id: nameOf(node),
        operator_id: operator,
        task_source: sourceOf(node, isOwn),
        occurred_at: timeOf(firstNumber + index),
        cost_nano_usd: costNanoUsd,
        reservation_id: reservation,
      }),
    ),
  })
  columns.decode(value)
  assert.deepEqual(columns.problems, [])
}

/** The numbers of an event. */
const numbersOf = ({ energyMwh, costNanoUsd }: Event): Float64Array =>
  valuesOf({
    inferences: 1,
    events: 1,
    tokensIn: 1,
    energyMwhMeasured: energyMwh,
    energyMwhCompatible: energyMwh,
    costNanoUsd,
  })

/** Hands events over, one record of 100 events after the other, as the counter does. */
function handOver(events: readonly Event[], from = 0): InboxUsage[] {
  const columns = new UsageColumns()
  const out = new HandOver(columns)
  out.begin({ offset: from, index: 0 })
  for (const [number, event] of events.entries()) {
    const position = { offset: from + Math.floor(number / 100), index: number % 100 }
    if (position.index === 0) decoded(columns, events.slice(number, number + 100), number)
    if (out.isFull()) out.cut(position, number)
    out.add(position.index, numbersOf(event), receiptOf(number))
  }
  const end = { offset: from + Math.ceil(events.length / 100), index: 0 }
  return recordsOf(out.finish(end, events.length, 'account.inbox', 3))
}

/** The records, which must have exactly the bytes that avsc writes. */
function recordsOf(appends: readonly TopicAppend[]): InboxUsage[] {
  return appends.map(({ topic, partition, key, value }) => {
    assert.deepEqual([topic, partition, key], ['account.inbox', 3, null])
    const record = inboxUsageCodec.decode(value ?? Buffer.alloc(0))
    assert.deepEqual(value, inboxUsageCodec.encode(record))
    return record
  })
}

const event = fc.record({
  node: fc.nat(NODE_MAX),
  isOwn: fc.boolean(),
  costNanoUsd: fc.oneof(fc.constant(0), fc.nat(1_000), fc.constant(USAGE_BOUNDS.costNanoUsdMax)),
  energyMwh: fc.oneof(fc.constant(0), fc.constant(USAGE_BOUNDS.energyMwhMax)),
  operator: fc.constantFrom(null, 'op', 'o'.repeat(64)),
  reservation: fc.constantFrom(null, 'r-1', 'r'.repeat(64)),
})

/** Ranges tile whatever the cuts, and the records say about every node exactly what its events do. */
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
    const [count = 0n, inferences = 0n, nano = 0n, energy = 0n] = expected.get(nameOf(node)) ?? []
    const work = isOwn
      ? [inferences, nano, energy]
      : [inferences + 1n, nano + BigInt(costNanoUsd), energy + BigInt(energyMwh)]
    expected.set(nameOf(node), [count + 1n, ...work])
  }
  assert.deepEqual(sums, expected)
  const named = new Set<number>()
  const entries = events.flatMap(({ node, isOwn, costNanoUsd, operator, reservation }, number) => {
    const first = typeof operator === 'string' && !named.has(node)
    if (first) named.add(node)
    const paid = isOwn ? 0 : costNanoUsd
    const isCost = paid > 0 || typeof reservation === 'string'
    const cost = {
      event_id: eventId(number),
      task_source: sourceOf(node, isOwn),
      occurred_at: timeOf(number),
      cost_nano_usd: paid,
      reservation_id: reservation ?? null,
      received_at: receiptOf(number),
      id_kind: 'id',
    }
    return first || isCost
      ? [{ node_id: nameOf(node), operator_id: first ? operator : null, cost: isCost ? cost : null }]
      : []
  })
  assert.deepEqual(plain(records.flatMap((record) => record.entries)), plain(entries))
}

/** Without the classes that avsc gives its records. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
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

const { tokensMax, durationMsMax, gpusMax, inferencesMax } = USAGE_BOUNDS
const ENERGY_MWH = energyOfGpuTime(2 * tokensMax, TDP_WATTS_DEFAULT)

for (const [name, values, isLarge] of [
  [
    'events that are just not large',
    {
      inferences: inferencesMax,
      gpuMsEstimated: LARGE - 1,
      energyMwhMeasured: LARGE - 1,
      tokensIn: LARGE - 1,
    },
    false,
  ],
  [
    'the largest events',
    {
      tokensIn: tokensMax,
      tokensOut: tokensMax,
      gpuMsMeasured: durationMsMax * gpusMax,
      gpuMsEstimated: 2 * tokensMax,
      gpuMsPaidEstimated: 2 * tokensMax,
      energyMwhEstimated: ENERGY_MWH,
      energyMwhCompatible: ENERGY_MWH,
      inferences: inferencesMax,
    },
    true,
  ],
] as const) {
  test(`the largest batch of ${name} hands its sums over exactly`, () => {
    const columns = new UsageColumns()
    const out = new HandOver(columns)
    out.begin({ offset: 0, index: 0 })
    decoded(columns, [{ node: 1, isOwn: false, costNanoUsd: 0, energyMwh: 0 }])
    const largest = valuesOf({ events: 1, ...values })
    for (let event = 0; event < EVENTS_PER_BATCH_MAX; event++) {
      if (out.isFull()) out.cut({ offset: event, index: 0 }, 0)
      out.add(0, largest, 0, isLarge)
    }
    const records = recordsOf(out.finish({ offset: EVENTS_PER_BATCH_MAX, index: 0 }, 0, 'account.inbox', 3))
    const sumOf = (column: keyof NodeSum): bigint =>
      records.reduce((sum, record) => sum + BigInt(record.sums[0]?.[column] ?? 0), 0n)
    const times = (value: number | undefined): bigint => BigInt(EVENTS_PER_BATCH_MAX) * BigInt(value ?? 0)
    const said: Partial<Record<keyof typeof SUMS, number>> = values
    assert.equal(sumOf('events'), times(1))
    assert.equal(sumOf('inferences'), times(said.inferences))
    assert.equal(sumOf('tokens_in'), times(said.tokensIn))
    assert.equal(sumOf('tokens_out'), times(said.tokensOut))
    assert.equal(sumOf('gpu_ms_measured'), times(said.gpuMsMeasured))
    assert.equal(sumOf('gpu_ms_estimated'), times(said.gpuMsEstimated))
    assert.equal(sumOf('gpu_ms_paid_estimated'), times(said.gpuMsPaidEstimated))
    assert.equal(sumOf('energy_mwh_measured'), times(said.energyMwhMeasured))
    assert.equal(sumOf('energy_mwh_estimated'), times(said.energyMwhEstimated))
    assert.equal(sumOf('energy_mwh_compatible'), times(said.energyMwhCompatible))
  })
}

test('a transaction of nothing hands its range and its watermark over', () => {
  const out = new HandOver(new UsageColumns())
  out.begin({ offset: 7, index: 0 })
  const [record, ...more] = recordsOf(out.finish({ offset: 9, index: 0 }, 55, 'account.inbox', 3))
  assert.deepEqual(more, [])
  assert.deepEqual(
    { ...record },
    { from_offset: 7, from_index: 0, to_offset: 9, to_index: 0, watermark: 55, entries: [], sums: [] },
  )
})

test('a transaction names a node’s operator once, and nothing of one that was not finished is left', () => {
  const columns = new UsageColumns()
  const out = new HandOver(columns)
  const events = ['first', 'second'].map((operator) => {
    return { node: 1, isOwn: false, costNanoUsd: 7, energyMwh: 0, operator }
  })
  const begin = (offset: number): void => {
    out.begin({ offset, index: 0 })
    decoded(columns, events)
    for (const [index, event] of events.entries()) {
      if (index > 0) out.cut({ offset, index }, 1)
      out.add(index, numbersOf(event), 0)
    }
  }
  begin(4)
  begin(4)
  const records = recordsOf(out.finish({ offset: 5, index: 0 }, 1, 'account.inbox', 3))
  assert.deepEqual(
    records.map(({ entries, sums }) => [entries.map(({ operator_id }) => operator_id), sums[0]?.events]),
    [
      [['first'], 1],
      [[null], 1],
    ],
  )
})
