import { partitionOfNode } from '../../schemas/ids.ts'
import type { UsageEvent } from '../../schemas/usage.ts'

/** The work of the reference measurements: 2,000 nodes, 500 operators, 2 million events in 10 minutes, 1 % repeats. */
const NODES = 2_000
const NODES_PER_OPERATOR = 4
const EVENTS_PER_MS = 2_000_000 / 600_000
const REPEAT_SHARE = 0.01

/** One event in this many may be repeated later. */
const REPEATABLE_STEP = 50

/** An event with where it belongs. A repeat is the same event once more. */
export interface PlacedEvent {
  readonly event: UsageEvent
  readonly partition: number
  readonly repeated: boolean
}

/** How much event time that many events take. */
export const spanMs = (count: number): number => Math.ceil(count / EVENTS_PER_MS)

/** Makes the same events at every call with the same options; `repeats: false` leaves the repeats out. */
export function* benchEvents(options: {
  readonly count: number
  readonly partitions: number
  readonly startMs: number
  readonly repeats?: boolean
}): Generator<PlacedEvent> {
  const { count, partitions, startMs, repeats = true } = options
  const random = seeded(42)
  const nodes = Array.from({ length: NODES }, (_, node) => ({
    id: `node-${node}`,
    operator: `op-${Math.floor(node / NODES_PER_OPERATOR)}`,
    partition: partitionOfNode(`node-${node}`, partitions),
  }))
  const repeatable: PlacedEvent[] = []
  for (let index = 0; index < count; index++) {
    const isRepeat = repeats && random() < REPEAT_SHARE
    const earlier = isRepeat ? repeatable[Math.floor(random() * repeatable.length)] : undefined
    if (earlier !== undefined) {
      yield { ...earlier, repeated: true }
      continue
    }
    const node = nodes[Math.floor(random() * NODES)] as (typeof nodes)[number]
    const occurredAt = startMs + Math.floor(index / EVENTS_PER_MS)
    const placed = {
      event: makeEvent(random, node, occurredAt, index),
      partition: node.partition,
      repeated: false,
    }
    if (index % REPEATABLE_STEP === 0) repeatable.push(placed)
    yield placed
  }
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
