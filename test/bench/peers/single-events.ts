import { partitionOfNode } from '../../../schemas/ids.ts'
import { MINUTE_WINDOW_MS, windowStart } from '../../../schemas/usage.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import type { WindowSums } from './streams-result.ts'

/** The work of the reference measurements: 2,000 nodes, 500 operators, 10 minutes of event time, 1 % repeats. */
const NODES = 2_000
const NODES_PER_OPERATOR = 4
const SPAN_MS = 600_000
const REPEAT_SHARE = 0.01

/** One event in this many may be repeated later. */
const REPEATABLE_STEP = 50

/** An event with where it belongs. A repeat is the same event once more. */
export interface PlacedEvent {
  readonly event: UsageEvent
  readonly partition: number
  readonly repeated: boolean
}

/** Makes the same events at every call with the same options. */
export function* singleEvents(options: {
  readonly count: number
  readonly partitions: number
  readonly startMs: number
}): Generator<PlacedEvent> {
  const { count, partitions, startMs } = options
  const random = seeded(42)
  const nodes = Array.from({ length: NODES }, (_, node) => ({
    id: `node-${node}`,
    operator: `op-${Math.floor(node / NODES_PER_OPERATOR)}`,
    partition: partitionOfNode(`node-${node}`, partitions),
  }))
  const repeatable: PlacedEvent[] = []
  for (let index = 0; index < count; index++) {
    const earlier = random() < REPEAT_SHARE ? repeatable[Math.floor(random() * repeatable.length)] : undefined
    if (earlier !== undefined) {
      yield { ...earlier, repeated: true }
      continue
    }
    const node = nodes[Math.floor(random() * NODES)] as (typeof nodes)[number]
    const occurredAt = startMs + Math.floor((index / count) * SPAN_MS)
    const placed = {
      event: makeEvent(random, node, occurredAt, index),
      partition: node.partition,
      repeated: false,
    }
    if (index % REPEATABLE_STEP === 0) repeatable.push(placed)
    yield placed
  }
}

/** What the peers must find, by plain addition: with each repeat, or without any. */
export function plainSums(events: Iterable<PlacedEvent>, dedupe: boolean): Map<string, WindowSums> {
  const sums = new Map<string, { -readonly [Field in keyof WindowSums]: WindowSums[Field] }>()
  for (const { event, repeated } of events) {
    if (dedupe && repeated) continue
    const key = `${event.node_id}|${windowStart(event.occurred_at, MINUTE_WINDOW_MS)}`
    let sum = sums.get(key)
    if (sum === undefined) sums.set(key, (sum = { events: 0, durationMs: 0n, costNanoUsd: 0n, tokens: 0n }))
    sum.events++
    sum.durationMs += BigInt(event.duration_ms ?? 0)
    sum.costNanoUsd += BigInt(event.cost_nano_usd)
    sum.tokens += BigInt(event.tokens_in + event.tokens_out)
  }
  return sums
}

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}

function makeEvent(
  random: () => number,
  node: { readonly id: string; readonly operator: string },
  occurredAt: number,
  index: number,
): UsageEvent {
  const id = Buffer.allocUnsafe(16)
  for (let at = 0; at < 16; at += 4) id.writeUInt32LE(Math.floor(random() * 4_294_967_296), at)
  const costs = index % 10 === 0
  return {
    event_id: id,
    event_text: null,
    node_id: node.id,
    operator_id: node.operator,
    model_id: costs ? 'gpt-4.1' : 'qwen3.5-4b-local',
    task_source: index % 5 === 1 ? 'own' : 'hive',
    occurred_at: occurredAt,
    tokens_in: Math.floor(random() * 4_000),
    tokens_out: Math.floor(random() * 1_000),
    duration_ms: Math.floor(random() * 20_000),
    gpu_ms: null,
    energy_mwh: null,
    energy_source: 'none',
    cost_nano_usd: costs ? Math.floor(random() * 50_000_000) : 0,
    goal_id: null,
    requester_node_id: null,
    reservation_id: null,
  }
}
