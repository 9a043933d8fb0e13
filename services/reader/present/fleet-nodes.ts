import { STATE_KEY, schemaIdOf } from '../../../schemas/avro.ts'
import { fleetNodeCodec, fleetNodeKey, fleetTaskCodec } from '../../../schemas/fleet/codecs.ts'
import type { FleetNode, FleetNodeName } from '../../../schemas/fleet/records.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { ownBytes } from '../../../schemas/own-bytes.ts'
import { Problem } from '../../http/problem.ts'
import { unavailable } from '../../http/refusal.ts'
import { RETRY_LOADING_S } from '../../http/retry-after.ts'
import type { StateRecord } from './accounts.ts'
import type { FollowedState } from './present.ts'

/** A node, and the log time up to which all that it sent is in its record; null before its task has said one. */
export interface PresentNode {
  readonly node: FleetNode
  readonly nowMs: number | null
}

/**
 * Every node of a hosting fleet, as fleet.state has it: encoded, a few hundred bytes each, decoded when it is asked for. What
 * else is in fleet.state is passed over.
 */
export class FleetNodes {
  /** By `fleetNodeKey`. */
  readonly #nodes = new Map<string, Buffer>()
  readonly #nows: (number | null)[]

  constructor(partitions: number) {
    this.#nows = Array.from({ length: partitions }, () => null)
  }

  /** Nodes held. */
  get size(): number {
    return this.#nodes.size
  }

  get partitions(): number {
    return this.#nows.length
  }

  /** Takes the next record of a partition. Throws where Hivemeter did not write it. */
  apply({ partition, key, value }: StateRecord): void {
    if (key === null) throw new Error('A record of fleet.state has no key.')
    const name = key.toString('utf8')
    if (name === STATE_KEY.task && value !== null) {
      const { now } = fleetTaskCodec.decode(value)
      this.#nows[partition] = Math.max(this.#nows[partition] ?? now, now)
    } else if (value === null) this.#nodes.delete(name)
    else if (fleetNodeCodec.schemaIds.includes(schemaIdOf(value))) {
      fleetNodeCodec.decode(value)
      this.#nodes.set(name, ownBytes(value))
    }
  }

  /** The node of these names; null where nothing has come from it. */
  node(name: FleetNodeName): FleetNode | null {
    const held = this.#nodes.get(fleetNodeKey(name))
    return held === undefined ? null : fleetNodeCodec.decode(held)
  }

  /** Log time that the task of a partition has reached. */
  nowMs(partition: number): number | null {
    return this.#nows[partition] ?? null
  }
}

/** The nodes of hosting fleets as of the moment a request arrives; answers while ClickHouse is away. */
export class PresentFleet {
  readonly #nodes: FleetNodes
  readonly #table: FollowedState

  constructor({ nodes, table }: { readonly nodes: FleetNodes; readonly table: FollowedState }) {
    this.#nodes = nodes
    this.#table = table
  }

  /** What has come from a node so far; null where nothing has. For those who have waited for the table already. */
  known(name: FleetNodeName): PresentNode | null {
    const node = this.#nodes.node(name)
    const partition = partitionOfNode(name.provider_id, this.#nodes.partitions)
    return node === null ? null : { node, nowMs: this.#nodes.nowMs(partition) }
  }

  /** Throws a Problem: 404 where nothing has come from the node, 503 while the table loads. */
  async node(name: FleetNodeName): Promise<PresentNode> {
    if (!this.#table.loaded) {
      throw unavailable(
        'state_loading',
        'The nodes of fleets are being read from the log. Ask again in a moment; /readyz says when.',
        RETRY_LOADING_S,
      )
    }
    const partition = partitionOfNode(name.provider_id, this.#nodes.partitions)
    await this.#table.reach(partition)
    const node = this.#nodes.node(name)
    if (node === null)
      throw new Problem('node_not_registered', `Nothing has come from the node ${fleetNodeKey(name)} yet.`)
    return { node, nowMs: this.#nodes.nowMs(partition) }
  }
}
