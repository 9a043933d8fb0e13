import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { energyOfGpuTime, TDP_WATTS_DEFAULT, USAGE_BOUNDS } from '../../schemas/usage.ts'
import {
  addCost,
  costOf,
  Deltas,
  EVENTS_PER_BATCH_MAX,
  isLate,
  LARGE,
  minuteOf,
  SUM_COLUMNS,
  SUMS,
  toQuarterHours,
} from './deltas.ts'

const MINUTE_MS = 60_000
const START_MS = 472_222 * 3_600_000

/** One event's numbers in the order of `SUMS`. */
interface Counted {
  readonly node: number
  readonly model: number
  readonly taskSource: number
  readonly occurredAtMs: number
  readonly values: readonly number[]
}

const { tokensMax, durationMsMax, gpusMax, inferencesMax, energyMwhMax, costNanoUsdMax } = USAGE_BOUNDS
const ENERGY_BY_TOKENS = energyOfGpuTime(2 * tokensMax, TDP_WATTS_DEFAULT)
const anyOf = (max: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.integer({ min: 0, max: Math.min(max, 2 ** 31) }),
    fc.integer({ min: 0, max }),
    fc.constantFrom(0, max),
  )
const event: fc.Arbitrary<Counted> = fc.record({
  node: fc.nat(2),
  model: fc.nat(1),
  taskSource: fc.nat(2),
  occurredAtMs: fc.integer({ min: START_MS, max: START_MS + 40 * MINUTE_MS }),
  values: fc.tuple(
    fc.constant(1),
    fc.nat(1),
    anyOf(tokensMax),
    anyOf(tokensMax),
    anyOf(durationMsMax),
    anyOf(durationMsMax * gpusMax),
    anyOf(2 * tokensMax),
    anyOf(energyMwhMax),
    anyOf(ENERGY_BY_TOKENS),
    anyOf(ENERGY_BY_TOKENS),
    anyOf(inferencesMax),
    anyOf(2 * tokensMax),
    anyOf(costNanoUsdMax),
  ),
})

type Sums = Map<string, bigint[]>

/** The content of deltas as bigints: series and window to sums, with the whole cost. */
function said(deltas: Deltas): Sums {
  return new Map(
    Array.from({ length: deltas.count }, (_, delta) => {
      const { node, work, minute, sums, large } = deltas
      const at = delta * SUM_COLUMNS
      return [
        [node[delta], work[delta], minute[delta]].join(' '),
        [
          ...Array.from(
            sums.subarray(at, at + SUMS.costNanoUsd),
            (sum, column) => BigInt(sum) + BigInt(large.get(delta)?.[column] ?? 0) * BigInt(LARGE),
          ),
          costOf(sums, at),
        ],
      ]
    }),
  )
}

function merged(parts: readonly Sums[]): Sums {
  const sums: Sums = new Map()
  for (const part of parts) {
    for (const [key, values] of part) {
      const known = sums.get(key) ?? values.map(() => 0n)
      sums.set(
        key,
        values.map((value, column) => value + (known[column] ?? 0n)),
      )
    }
  }
  return sums
}

const isLargeEvent = (values: readonly number[]): boolean =>
  values.slice(0, SUMS.costNanoUsd).some((value) => value >= LARGE)

function deltasOf(events: readonly Counted[], deltas = new Deltas()): Deltas {
  for (const { node, model, taskSource, occurredAtMs, values } of events) {
    const numbers = Float64Array.from({ length: SUM_COLUMNS }, (_, column) => values[column] ?? 0)
    deltas.add(node, model * 4 + taskSource, minuteOf(occurredAtMs), numbers, isLargeEvent(values))
  }
  return deltas
}

/** The sums of single events, with bigints only. */
function reference(events: readonly Counted[], sizeMs: number): Sums {
  return merged(
    events.map(({ node, model, taskSource, occurredAtMs, values }) => {
      const start = (Math.floor(occurredAtMs / sizeMs) * sizeMs) / MINUTE_MS
      return new Map([[[node, model * 4 + taskSource, start].join(' '), values.map(BigInt)]])
    }),
  )
}

const events = fc.array(event, { maxLength: 80 })

test('deltas are the exact sums of their events, per minute', () => {
  fc.assert(
    fc.property(events, (events) => {
      assert.deepEqual(said(deltasOf(events)), reference(events, MINUTE_MS))
    }),
  )
})

test('minutes sum to quarters of an hour', () => {
  fc.assert(
    fc.property(events, (events) => {
      assert.deepEqual(
        said(toQuarterHours(deltasOf(events), new Deltas())),
        reference(events, 15 * MINUTE_MS),
      )
    }),
  )
})

test('merging is free of order and grouping: any split into batches, in any order, gives the same sums', () => {
  fc.assert(
    fc.property(
      events,
      fc.array(fc.nat(80), { maxLength: 6 }),
      fc.infiniteStream(fc.nat(1_000)),
      (events, cuts, chance) => {
        const shuffled = events
          .map((event) => ({ event, at: chance.next().value ?? 0 }))
          .toSorted((left, right) => left.at - right.at)
          .map(({ event }) => event)
        const borders = [0, ...cuts.toSorted((left, right) => left - right), shuffled.length]
        const batches = borders
          .slice(1)
          .map((end, index) => said(deltasOf(shuffled.slice(borders[index], end))))
        const whole = reference(events, MINUTE_MS)
        assert.deepEqual(merged(batches), whole)
        assert.deepEqual(merged(batches.toReversed()), whole)
        const [first = new Map<string, bigint[]>(), ...rest] = batches
        assert.deepEqual(merged([first, merged(rest)]), whole)
      },
    ),
  )
})

test('cleared deltas hold nothing of the batch before', () => {
  fc.assert(
    fc.property(events, events, (before, after) => {
      const deltas = deltasOf(before)
      deltas.clear()
      assert.deepEqual(said(deltasOf(after, deltas)), reference(after, MINUTE_MS))
    }),
  )
})

test('thousands of series in one batch are kept apart while the sums grow', () => {
  const events = Array.from({ length: 5_000 }, (_, index) => ({
    node: index,
    model: index % 7,
    taskSource: index % 3,
    occurredAtMs: START_MS,
    values: [1, 0, index, 0, 0, 0, 0, 0, 0, 0, 1, 0, index],
  }))
  assert.deepEqual(said(deltasOf([...events, ...events])), reference([...events, ...events], MINUTE_MS))
})

test('a cost is carried, not rounded: ten thousand of the largest sum exactly', () => {
  const sums = new Float64Array(SUM_COLUMNS)
  for (let count = 1; count <= 10_000; count++) {
    addCost(sums, 0, costNanoUsdMax - 1)
    if (count % 1_000 === 0) assert.equal(costOf(sums, 0), BigInt(count) * BigInt(costNanoUsdMax - 1))
  }
})

// Each of the two ways in which a number is added: the largest number that is not large, and the largest one.
const SMALL_MAX = LARGE - 1
const BATCHES = {
  'events that are just not large': [1, 1, ...Array.from({ length: 10 }, () => SMALL_MAX), costNanoUsdMax],
  'the largest events': [
    1,
    1,
    tokensMax,
    tokensMax,
    durationMsMax,
    durationMsMax * gpusMax,
    2 * tokensMax,
    energyMwhMax,
    ENERGY_BY_TOKENS,
    ENERGY_BY_TOKENS,
    inferencesMax,
    2 * tokensMax,
    costNanoUsdMax,
  ],
} as const
for (const [name, values] of Object.entries(BATCHES))
  test(`the largest batch of ${name} sums exactly, by minutes and by quarters of an hour`, () => {
    const numbers = Float64Array.from({ length: SUM_COLUMNS }, (_, column) => values[column] ?? 0)
    const deltas = new Deltas()
    const minute = minuteOf(START_MS)
    for (let count = 0; count < EVENTS_PER_BATCH_MAX; count++) {
      // Half of them are in another minute of the same quarter hour, and the numbers of one event are lower by one.
      const event = count === 0 ? numbers.map((value) => value - 1) : numbers
      deltas.add(0, 0, minute + (count & 1), event, isLargeEvent(values))
    }
    const expected = values.map((value) => BigInt(EVENTS_PER_BATCH_MAX) * BigInt(value) - 1n)
    assert.deepEqual([...said(toQuarterHours(deltas, new Deltas())).values()], [expected])
  })

test('an event is late from the millisecond on at which its minute ends', () => {
  const minute = minuteOf(START_MS + 59_999)
  assert.equal(minute, START_MS / MINUTE_MS)
  assert.equal(isLate(minute, START_MS + MINUTE_MS - 1), false)
  assert.equal(isLate(minute, START_MS + MINUTE_MS), true)
})

test('a window keeps the receipt of its newest late event, in minutes and in quarters of an hour', () => {
  const receipts = fc.array(fc.tuple(event, fc.option(fc.nat(1_000))), { maxLength: 80 })
  fc.assert(
    fc.property(receipts, (received) => {
      const minutes = new Deltas()
      const expected = [new Map<string, number>(), new Map<string, number>()] as const
      for (const [{ node, model, taskSource, occurredAtMs, values }, receivedAtMs] of received) {
        const numbers = Float64Array.from({ length: SUM_COLUMNS }, (_, column) => values[column] ?? 0)
        const minute = minuteOf(occurredAtMs)
        const work = model * 4 + taskSource
        const delta = minutes.add(node, work, minute, numbers, isLargeEvent(values))
        if (receivedAtMs === null) continue
        minutes.cameLate(delta, receivedAtMs)
        for (const [at, start] of [minute, minute - (minute % 15)].entries()) {
          const key = [node, work, start].join(' ')
          const newest = expected[at as 0 | 1]
          newest.set(key, Math.max(newest.get(key) ?? 0, receivedAtMs))
        }
      }
      assert.deepEqual(lateAtOf(minutes), expected[0])
      assert.deepEqual(lateAtOf(toQuarterHours(minutes, new Deltas())), expected[1])
      minutes.clear()
      assert.equal(minutes.lateAt.size, 0)
    }),
  )
})

function lateAtOf({ node, work, minute, lateAt }: Deltas): Map<string, number> {
  return new Map(
    [...lateAt].map(([delta, atMs]) => [[node[delta], work[delta], minute[delta]].join(' '), atMs]),
  )
}
