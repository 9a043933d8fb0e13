import { partitionOfNode } from '../../../schemas/ids.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'

/** The size of fleets that no bench changes. */
export const FLEET_NODES = 2_000
const NODES_PER_OPERATOR = 4
/** Events in a record, as the gateway packs them. */
export const PACK = 100

/** Makes the events of a fleet of any size: the same ones for the same seed, and different ids for different seeds. */
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
      event_source: null,
      more: null,
    }
    return { partition: of.partition, event }
  }
}
