import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HOUR_MS } from '../../schemas/units.ts'
import { ANSWERS, NodeWorld } from '../../test/support/fleet/node/node-world.ts'
import type { Answer } from '../../test/support/fleet/node/node-world.ts'

type Step =
  | { readonly kind: 'poll'; readonly items: number }
  | { readonly kind: 'flush' | 'beat' | 'reboot' | 'crash' | 'keepWithin' }
  | { readonly kind: 'send'; readonly answer: Answer }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'wall'; readonly skewMs: number }
  | { readonly kind: 'full'; readonly isFull: boolean }
  | { readonly kind: 'crashIn'; readonly steps: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('poll' as const), items: fc.integer({ min: 1, max: 700 }) }),
  },
  { weight: 6, arbitrary: fc.constant({ kind: 'flush' as const }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('send' as const), answer: fc.constantFrom(...ANSWERS) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(500, 5_000, 90_000, HOUR_MS),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crashIn' as const), steps: fc.nat(12) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('wall' as const),
      skewMs: fc.constantFrom(0, -9 * HOUR_MS, 70 * HOUR_MS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('full' as const), isFull: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(...(['beat', 'crash', 'reboot', 'keepWithin'] as const))
      .map((kind) => ({ kind })),
  },
)

/** Small enough that no multiplication makes it repeat within a run. */
function chanceFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

async function named(world: NodeWorld, kind: 'flush' | 'beat' | 'keepWithin'): Promise<void> {
  await world.during(async () => await world[kind]())
}

async function act(world: NodeWorld, one: Step): Promise<void> {
  switch (one.kind) {
    case 'poll':
      world.poll(one.items)
      return
    case 'pass':
      world.trueMs += one.ms
      return
    case 'wall':
      world.wallSkewMs = one.skewMs
      return
    case 'full':
      world.disk.isFull = one.isFull
      return
    case 'crashIn':
      world.disk.stepsLeft = one.steps
      return
    case 'crash':
      await world.crash()
      return
    case 'reboot':
      world.reboot()
      await world.crash()
      return
    case 'send':
      await world.during(async () => void (await world.step(one.answer)))
      return
    default:
      await named(world, one.kind)
  }
}

/** One of each lane that had no answer, and the one that tells. */
const BATCHES_LEFT_MAX = 3

/** Sends all that is left, and compares what arrived with what was made. */
async function check(world: NodeWorld): Promise<void> {
  if (world.disk.stepsLeft !== null) await world.crash()
  world.disk.isFull = false
  await world.drain()
  const missing = [...world.made].filter(([number, { isSpooled }]) => isSpooled && !world.arrived.has(number))
  assert.ok(
    missing.length <= world.lostItems,
    `${missing.length} items are missing, ${world.lostItems} are counted as lost`,
  )
  for (const [number, { address, observedAtMs }] of world.arrived) {
    const made = world.made.get(number)
    assert.equal(made?.address, address, `${number} is another item than was made`)
    // By the log's clock; or, of an earlier boot that never heard it, by a wall clock that was believed.
    const wrongMs = Math.abs(observedAtMs - (made?.trueMs ?? 0))
    assert.ok(
      [0, 9 * HOUR_MS, 70 * HOUR_MS].some((skewMs) => Math.abs(wrongMs - skewMs) < 2_000),
      number,
    )
  }
  // What did not arrive is told: `low` has passed it with the next batch.
  world.trueMs += 1_000
  world.poll(1)
  await world.flush()
  // A batch without an answer is sent first, as it was: it says of what was lost since then nothing yet.
  for (let tries = 0; tries < BATCHES_LEFT_MAX && (await world.step('taken')); tries += 1);
  const { low } = world
  for (const number of world.made.keys()) {
    const [epoch = 0, seq = 0] = number.split('/').map(Number)
    const isTold = epoch < low.epoch || (epoch === low.epoch && seq < low.seq)
    assert.ok(isTold || world.arrived.has(number), `${number} is neither there nor told`)
  }
}

const HAPPENINGS: fc.Arbitrary<readonly Step[]> = fc.array(step, { minLength: 5, maxLength: 60 })

/** A full disk drops what stands in a batch that has no answer yet. */
const DROPPED_UNDER_WAY: readonly Step[] = [
  { kind: 'poll', items: 2 },
  { kind: 'flush' },
  { kind: 'beat' },
  { kind: 'send', answer: 'unfit' },
  { kind: 'full', isFull: true },
  { kind: 'poll', items: 1 },
  { kind: 'flush' },
]

test('whatever happens to process, disk, clock and gateway, every item that was spooled arrives under its own number, or is counted as lost', async () => {
  await fc.assert(
    fc.asyncProperty(HAPPENINGS, fc.integer({ min: 1, max: 2_000_000 }), async (steps, seed) => {
      const world = new NodeWorld(chanceFrom(seed))
      await world.start()
      for (const one of steps) await act(world, one)
      await check(world)
    }),
    { numRuns: 300, examples: [[DROPPED_UNDER_WAY, 1]] },
  )
})

/** Items before the log's time is known, a file that is packed, one that is full, and what is sent of each. */
const SCRIPT: readonly Step[] = [
  { kind: 'poll', items: 30 },
  { kind: 'flush' },
  { kind: 'poll', items: 40 },
  { kind: 'flush' },
  { kind: 'beat' },
  { kind: 'poll', items: 700 },
  { kind: 'flush' },
  { kind: 'send', answer: 'away' },
  { kind: 'pass', ms: 90_000 },
  { kind: 'poll', items: 600 },
  { kind: 'flush' },
  { kind: 'send', answer: 'taken' },
  { kind: 'send', answer: 'lost_answer' },
  { kind: 'pass', ms: 90_000 },
  { kind: 'send', answer: 'taken' },
  { kind: 'send', answer: 'taken' },
]

test('a kill before any step of the disk, or in the middle of it, loses nothing that was spooled', async () => {
  let kills = 0
  for (let steps = 0; kills === steps; steps += 1) {
    for (const seed of [1, 77, 4_711]) {
      const world = new NodeWorld(chanceFrom(seed))
      await world.start()
      world.disk.stepsLeft = steps
      for (const one of SCRIPT) await act(world, one)
      if (seed === 1 && world.crashes > 0) kills += 1
      await check(world)
      assert.equal(world.lostItems, 0)
    }
  }
  assert.ok(kills > 20, `only ${kills} steps`)
})
