import { seededDice } from '../../../infra/local/sample/random.ts'
import type { Dice } from '../../../infra/local/sample/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { IdempotentProducer } from '../../../pipelines/kafka/producer.ts'
import type { LogAppend } from '../../../pipelines/log/records.ts'
import { usageEventsCodec } from '../../../schemas/avro.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import type { Installation } from '../processes/installation.ts'
import type { Truth } from '../oracles/truth.ts'

const MODELS = ['qwen3.5-4b-local', 'gpt-4.1', 'groq', 'a-model-nobody-listed'] as const
const SOURCES = ['own', 'hive', 'hive', 'hive', 'idle'] as const

/** Event times are at most this far back: none is late. */
const AGE_MS_MAX = 20_000

/** Names of `count` nodes that belong to one partition. */
export function nodesOf(partition: number, partitions: number, count: number): string[] {
  const nodes: string[] = []
  for (let number = 0; nodes.length < count; number++) {
    const node = `node-${number}`
    if (partitionOfNode(node, partitions) === partition) nodes.push(node)
  }
  return nodes
}

/** Makes usage events: the same seed makes the same work, under ids that no other run has. */
export class UsageMaker {
  readonly #dice: Dice
  readonly #idPrefix: Buffer
  #made = 0

  constructor(seed: number, idPrefix: Buffer) {
    this.#dice = seededDice(seed)
    this.#idPrefix = idPrefix
  }

  event(nodeId: string, fields: Partial<UsageEvent> = {}): UsageEvent {
    const dice = this.#dice
    const event_id = Buffer.alloc(16)
    this.#idPrefix.copy(event_id, 0, 0, 8)
    event_id.writeUInt32BE(dice.between(0, 2 ** 32 - 1), 8)
    event_id.writeUInt32BE(this.#made++, 12)
    const task_source = dice.pick(SOURCES)
    const measured = dice.next() < 0.5
    return {
      event_id,
      event_text: null,
      node_id: nodeId,
      operator_id: `operator-of-${nodeId}`,
      model_id: dice.pick(MODELS),
      task_source,
      occurred_at: systemClock.nowMs() - dice.between(0, AGE_MS_MAX),
      tokens_in: dice.between(0, 2_000),
      tokens_out: dice.between(0, 500),
      duration_ms: dice.between(1, 60_000),
      gpu_ms: measured ? dice.between(1, 30_000) : null,
      energy_mwh: measured ? dice.between(0, 5_000) : null,
      energy_source: measured ? 'meter' : 'none',
      cost_nano_usd: dice.next() < 0.3 ? dice.between(1, 20_000_000) : 0,
      goal_id: null,
      requester_node_id: null,
      reservation_id: null,
      event_source: null,
      more: null,
      ...fields,
    }
  }
}

/** One record of usage.metered as the gateway would write it. */
export function usageRecord(partition: number, events: readonly UsageEvent[]): LogAppend {
  return { partition, key: null, value: usageEventsCodec.encode({ events: [...events] }) }
}

/** The producer that the gateway uses, on the installation's usage.metered. */
export function openUsageProducer(installation: Installation): IdempotentProducer {
  const { kafka, topics } = installation
  return new IdempotentProducer({ ...kafka, topic: topics.usageMetered, metrics: noMetrics })
}

/** Sends events, packed into one record per partition, and adds to the truth what the broker acknowledged. */
export async function sendEvents(
  installation: Installation,
  producer: IdempotentProducer,
  truth: Truth,
  events: readonly UsageEvent[],
): Promise<void> {
  const byPartition = Map.groupBy(events, ({ node_id }) => partitionOfNode(node_id, installation.partitions))
  await producer.append([...byPartition].map(([partition, some]) => usageRecord(partition, some)))
  for (const event of events) truth.add(event)
}
