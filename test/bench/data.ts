import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import type { LogAppend } from '../../pipelines/kafka/records.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { usageEventsCodec } from '../../schemas/avro.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { UsageEvent } from '../../schemas/usage.ts'

/** The work of the reference measurements: 2,000 nodes, 500 operators, 10 minutes of event time, 1 % repeats. */
export const NODES = 2_000
const OPERATORS = 500
const SPAN_MS = 600_000
const REPEAT_SHARE = 0.01
const PACK = 100
const PACKS_PER_SEND = 80

/** What every contestant must find. */
export interface Truth {
  /** With repeats. */
  readonly events: number
  readonly unique: number
  /** Of unique events. */
  readonly costNanoUsd: bigint
  /** Of hive and idle ones among them. */
  readonly paidNanoUsd: bigint
}

/** Makes the same numbers in every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}

/** Fills `topic` with `count` events, 100 a record, and returns what they add up to. */
export async function fillUsage(options: {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly partitions: number
  readonly count: number
  readonly repeats: boolean
}): Promise<Truth> {
  const { topic, partitions, count } = options
  const producer = new IdempotentProducer({
    brokers: options.brokers,
    clientId: 'hivemeter-bench',
    topic,
    logger: silentLogger,
    metrics: noMetrics,
  })
  const random = seeded(42)
  const startMs = Date.now() - SPAN_MS
  const nodes = Array.from({ length: NODES }, (_, node) => ({
    id: `node-${node}`,
    operator: `op-${Math.floor(node / (NODES / OPERATORS))}`,
    partition: partitionOfNode(`node-${node}`, partitions),
  }))
  const packs: UsageEvent[][] = Array.from({ length: partitions }, () => [])
  const sent: UsageEvent[][] = Array.from({ length: partitions }, () => [])
  let toSend: LogAppend[] = []
  let unique = 0
  let costNanoUsd = 0n
  let paidNanoUsd = 0n
  for (let index = 0; index < count; index++) {
    const node = nodes[Math.floor(random() * NODES)]
    if (node === undefined) continue
    const earlier = sent[node.partition] ?? []
    const pack = packs[node.partition] ?? []
    const repeated =
      options.repeats && random() < REPEAT_SHARE ? earlier[Math.floor(random() * earlier.length)] : undefined
    if (repeated === undefined) {
      const event = makeEvent(random, node, startMs + Math.floor((index / count) * SPAN_MS), index)
      unique++
      costNanoUsd += BigInt(event.cost_nano_usd)
      if (event.task_source !== 'own') paidNanoUsd += BigInt(event.cost_nano_usd)
      // A sample of earlier events is enough to repeat from.
      if (index % 50 === 0) earlier.push(event)
      pack.push(event)
    } else {
      pack.push(repeated)
    }
    if (pack.length === PACK) {
      toSend.push({ partition: node.partition, key: null, value: usageEventsCodec.encode({ events: pack }) })
      pack.length = 0
      if (toSend.length === PACKS_PER_SEND) {
        await producer.append(toSend)
        toSend = []
      }
    }
  }
  for (const [partition, pack] of packs.entries()) {
    if (pack.length > 0)
      toSend.push({ partition, key: null, value: usageEventsCodec.encode({ events: pack }) })
  }
  await producer.append(toSend)
  await producer.stop()
  return { events: count, unique, costNanoUsd, paidNanoUsd }
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
