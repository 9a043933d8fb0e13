import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import type { LogAppend } from '../../pipelines/kafka/records.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { usageEventsCodec } from '../../schemas/avro.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import type { Truth } from './data.ts'

const NODES_PER_OPERATOR = 4
const SPAN_MS = 600_000
const PACK = 100
const PACKS_PER_SEND = 80

/** Makes the events of a fleet of any size: the same ones for the same seed, ids of different seeds apart. */
export class Fleet {
  readonly #seed: number
  readonly #nodes: readonly { readonly id: string; readonly operator: string; readonly partition: number }[]
  #state: number

  constructor(options: { readonly nodes: number; readonly partitions: number; readonly seed: number }) {
    this.#seed = options.seed
    this.#state = options.seed
    this.#nodes = Array.from({ length: options.nodes }, (_, node) => ({
      id: `node-${node}`,
      operator: `op-${Math.floor(node / NODES_PER_OPERATOR)}`,
      partition: partitionOfNode(`node-${node}`, options.partitions),
    }))
  }

  /** Evenly in [0, 1). */
  random(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return this.#state / 4_294_967_296
  }

  /** Event number `index`, of a random node unless `node` says which; every tenth has a cost unless all are `paid`. */
  event(
    index: number,
    occurredAtMs: number,
    { node, paid = false }: { readonly node?: number; readonly paid?: boolean } = {},
  ): { readonly partition: number; readonly event: UsageEvent } {
    const of = this.#nodes[node ?? Math.floor(this.random() * this.#nodes.length)]
    if (of === undefined) throw new Error(`The fleet has no node ${String(node)}.`)
    const id = Buffer.allocUnsafe(16)
    id.writeUInt32LE(this.#seed, 0)
    id.writeUInt32LE(index, 4)
    id.writeUInt32LE(Math.floor(this.random() * 4_294_967_296), 8)
    id.writeUInt32LE(Math.floor(this.random() * 4_294_967_296), 12)
    const costs = paid || index % 10 === 0
    const event: UsageEvent = {
      event_id: id,
      event_text: null,
      node_id: of.id,
      operator_id: of.operator,
      model_id: costs ? 'gpt-4.1' : 'qwen3.5-4b-local',
      task_source: !paid && index % 5 === 1 ? 'own' : 'hive',
      occurred_at: occurredAtMs,
      tokens_in: Math.floor(this.random() * 4_000),
      tokens_out: Math.floor(this.random() * 1_000),
      duration_ms: Math.floor(this.random() * 20_000),
      gpu_ms: null,
      energy_mwh: null,
      energy_source: 'none',
      cost_nano_usd: costs ? 1 + Math.floor(this.random() * 50_000_000) : 0,
      goal_id: null,
      requester_node_id: null,
      reservation_id: null,
    }
    return { partition: of.partition, event }
  }
}

/** Packs events into records of usage.metered and appends them, many records a send. */
export class PackedWriter {
  readonly #producer: IdempotentProducer
  readonly #packs: UsageEvent[][]
  #toSend: LogAppend[] = []

  constructor(options: {
    readonly brokers: readonly string[]
    readonly topic: string
    readonly partitions: number
  }) {
    this.#producer = new IdempotentProducer({
      brokers: options.brokers,
      clientId: 'hivemeter-bench',
      topic: options.topic,
      logger: silentLogger,
      metrics: noMetrics,
    })
    this.#packs = Array.from({ length: options.partitions }, () => [])
  }

  async add({ partition, event }: { readonly partition: number; readonly event: UsageEvent }): Promise<void> {
    const pack = this.#packs[partition] as UsageEvent[]
    pack.push(event)
    if (pack.length < PACK) return
    this.#pack(partition)
    if (this.#toSend.length >= PACKS_PER_SEND) await this.#send()
  }

  /** Appends what is packed so far, full or not. */
  async flush(): Promise<void> {
    for (const [partition, pack] of this.#packs.entries()) if (pack.length > 0) this.#pack(partition)
    await this.#send()
  }

  async stop(): Promise<void> {
    await this.flush()
    await this.#producer.stop()
  }

  #pack(partition: number): void {
    const events = this.#packs[partition] as UsageEvent[]
    this.#toSend.push({ partition, key: null, value: usageEventsCodec.encode({ events }) })
    events.length = 0
  }

  async #send(): Promise<void> {
    const records = this.#toSend
    this.#toSend = []
    await this.#producer.append(records)
  }
}

/** Fills `topic` with `count` events of `nodes` nodes over ten minutes, by default the last ones, none of them twice. */
export async function fillFleet(options: {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly partitions: number
  readonly nodes: number
  readonly count: number
  readonly seed: number
  /** How many ten minutes ago the last event was. */
  readonly spansAgo?: number
}): Promise<Truth> {
  const { count, spansAgo = 0 } = options
  const fleet = new Fleet(options)
  const writer = new PackedWriter(options)
  const startMs = Date.now() - (1 + spansAgo) * SPAN_MS
  let costNanoUsd = 0n
  let paidNanoUsd = 0n
  for (let index = 0; index < count; index++) {
    const one = fleet.event(index, startMs + Math.floor((index / count) * SPAN_MS))
    costNanoUsd += BigInt(one.event.cost_nano_usd)
    if (one.event.task_source !== 'own') paidNanoUsd += BigInt(one.event.cost_nano_usd)
    await writer.add(one)
  }
  await writer.stop()
  return { events: count, unique: count, costNanoUsd, paidNanoUsd }
}
