import { partitionOfNode } from '../../schemas/ids.ts'
import type { Account } from '../../schemas/records.ts'
import { Problem } from '../http/problem.ts'
import { unavailable } from '../http/refusal.ts'
import type { Accounts } from './accounts.ts'

/** What the reader needs of the table that follows node.state. */
export interface FollowedState {
  readonly loaded: boolean
  /** Waits a bounded time until the table has reached the partition's end as of now. */
  reach(partition: number): Promise<boolean>
}

/** A node, and how far the usage in its account goes. */
export interface NodeState {
  readonly account: Account
  readonly partition: number
  readonly asOfMs: number | null
}

const RETRY_WHILE_LOADING_SECONDS = 2

/**
 * The present: accounts as of the moment a request arrives, or, where the log is slow, a little before it (as_of says).
 * Answers while ClickHouse is away.
 */
export class Present {
  readonly #accounts: Accounts
  readonly #table: FollowedState
  readonly #partitions: number

  constructor(parts: {
    readonly accounts: Accounts
    readonly table: FollowedState
    readonly partitions: number
  }) {
    this.#accounts = parts.accounts
    this.#table = parts.table
    this.#partitions = parts.partitions
  }

  /** The state of a node. Throws a Problem: 404 where it is not registered, 503 while the table loads. */
  async node(nodeId: string): Promise<NodeState> {
    const partition = partitionOfNode(nodeId, this.#partitions)
    await this.#reach([partition])
    const account = this.#accounts.account(nodeId)
    if (account === null) {
      throw new Problem(
        'node_not_registered',
        `No event, heartbeat or setting has named the node ${nodeId} yet.`,
        {
          error: 'Node not registered',
          node_id: nodeId,
        },
      )
    }
    return { account, partition, asOfMs: this.#accounts.watermark(partition) }
  }

  /** Up to `limit` nodes after `nodeId`, by id. */
  async nodesAfter(nodeId: string, limit: number): Promise<NodeState[]> {
    await this.#reachAll()
    return this.#states(this.#accounts.nodesAfter(nodeId, limit))
  }

  /** The nodes of an operator and the smallest watermark of all. Throws a Problem (404) for an unknown wallet. */
  async wallet(operatorId: string): Promise<{ readonly nodes: NodeState[]; readonly asOfMs: number | null }> {
    await this.#reachAll()
    const nodes = this.#accounts.nodesOf(operatorId)
    if (nodes === null) {
      throw new Problem(
        'wallet_not_found',
        `No node has named the operator ${operatorId}, so it has no wallet.`,
      )
    }
    return { nodes: this.#states(nodes), asOfMs: this.#accounts.smallestWatermark() }
  }

  #states(nodeIds: readonly string[]): NodeState[] {
    return nodeIds.flatMap((nodeId) => {
      const account = this.#accounts.account(nodeId)
      if (account === null) return []
      const partition = partitionOfNode(nodeId, this.#partitions)
      return [{ account, partition, asOfMs: this.#accounts.watermark(partition) }]
    })
  }

  async #reachAll(): Promise<void> {
    await this.#reach(Array.from({ length: this.#partitions }, (_, partition) => partition))
  }

  async #reach(partitions: readonly number[]): Promise<void> {
    if (!this.#table.loaded) {
      throw unavailable(
        'state_loading',
        'The accounts are being read from the log. Ask again in a moment; /readyz says when.',
        RETRY_WHILE_LOADING_SECONDS,
      )
    }
    await Promise.all(partitions.map((partition) => this.#table.reach(partition)))
  }
}
