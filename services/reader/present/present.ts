import { partitionOfNode } from '../../../schemas/ids.ts'
import type { AccountRules } from '../../../pipelines/account/rules.ts'
import type { Account } from '../../../schemas/records.ts'
import { isAdmin, maySee } from '../../http/caller.ts'
import type { Caller } from '../../http/caller.ts'
import { ForeignNode } from '../../http/foreign-node.ts'
import { Problem } from '../../http/problem.ts'
import { unavailable } from '../../http/refusal.ts'
import type { Accounts } from './accounts.ts'
import { RETRY_LOADING_S } from '../../http/retry-after.ts'

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
  /** In force for its account. */
  readonly rules: AccountRules
  /** Log time that its settler has reached. */
  readonly nowMs: number
}

/** 404, as the original has it. A node that the caller may not see gets the same answer. */
export function notRegistered(nodeId: string): Problem {
  return new Problem(
    'node_not_registered',
    `No event, heartbeat or setting has named the node ${nodeId} yet.`,
    {
      error: 'Node not registered',
      node_id: nodeId,
    },
  )
}

/**
 * The present: accounts as of the moment a request arrives, or, where the log is slow, a little earlier (as_of shows the
 * time). Answers while ClickHouse is away.
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

  /**
   * The state of a node that the caller may see. Throws a Problem: 404 where it is not registered or not the caller's,
   * after the same work; 503 while the table loads.
   */
  async seen(caller: Caller, nodeId: string): Promise<NodeState> {
    const partition = await this.arrive(nodeId)
    const account = this.#accounts.account(nodeId)
    if (!maySee(caller, nodeId)) throw new ForeignNode(nodeId, notRegistered(nodeId))
    if (account === null) throw notRegistered(nodeId)
    return this.#stateOf(account, partition)
  }

  /** Waits until the node's partition is read up to its end at the time of the request; returns the partition. */
  async arrive(nodeId: string): Promise<number> {
    const partition = partitionOfNode(nodeId, this.#partitions)
    await this.#reach([partition])
    return partition
  }

  /** Whether the node was ever named; once true it stays so. */
  async has(nodeId: string): Promise<boolean> {
    await this.arrive(nodeId)
    return this.#accounts.account(nodeId) !== null
  }

  /** Throws a Problem (503) while the table loads. */
  async loaded(): Promise<void> {
    await this.#reach([])
  }

  /** The states of all nodes as they are now, unsorted, one at a time. */
  *all(): Generator<NodeState> {
    for (const { account, partition } of this.#accounts.all()) yield this.#stateOf(account, partition)
  }

  /** Up to `limit` nodes after `nodeId`, by id. */
  async nodesAfter(nodeId: string, limit: number): Promise<NodeState[]> {
    await this.#reachAll()
    return this.#states(this.#accounts.nodesAfter(nodeId, limit))
  }

  /**
   * The nodes of an operator, and the smallest watermark of all. Throws a Problem (404) for an unknown wallet, and for
   * one that is not the caller's. An operator that the credential itself names need not be known from a node.
   */
  async wallet(
    caller: Caller,
    operatorId: string,
  ): Promise<{ readonly nodes: NodeState[]; readonly asOfMs: number | null }> {
    await this.#reachAll()
    const isNamed = caller.operators.has(operatorId)
    const nodes = this.#accounts.nodesOf(operatorId) ?? (isNamed ? [] : null)
    if (nodes === null || !(isNamed || this.#isOwnWallet(caller, operatorId, nodes))) {
      throw new Problem(
        'wallet_not_found',
        `No node has named the operator ${operatorId}, so it has no wallet.`,
      )
    }
    return { nodes: this.#states(nodes), asOfMs: this.#accounts.smallestWatermark() }
  }

  /**
   * True for an admin, and for a caller one of whose nodes has this as its present operator, confirmed there: what a node
   * says of itself, in an event or a heartbeat, gives no right to any wallet.
   */
  #isOwnWallet(caller: Caller, operatorId: string, nodes: readonly string[]): boolean {
    if (isAdmin(caller)) return true
    return nodes.some((nodeId) => {
      const account = maySee(caller, nodeId) ? this.#accounts.account(nodeId) : null
      const operator = account?.operators.at(-1)
      return operator?.operator_id === operatorId && operator.confirmed
    })
  }

  #states(nodeIds: readonly string[]): NodeState[] {
    return nodeIds.flatMap((nodeId) => {
      const account = this.#accounts.account(nodeId)
      if (account === null) return []
      return [this.#stateOf(account, partitionOfNode(nodeId, this.#partitions))]
    })
  }

  #stateOf(account: Account, partition: number): NodeState {
    const accounts = this.#accounts
    return {
      account,
      partition,
      asOfMs: accounts.watermark(partition),
      rules: accounts.rules(partition),
      nowMs: accounts.nowMs(partition),
    }
  }

  async #reachAll(): Promise<void> {
    await this.#reach(Array.from({ length: this.#partitions }, (_, partition) => partition))
  }

  async #reach(partitions: readonly number[]): Promise<void> {
    if (!this.#table.loaded) {
      throw unavailable(
        'state_loading',
        'The accounts are being read from the log. Ask again in a moment; /readyz says when.',
        RETRY_LOADING_S,
      )
    }
    await Promise.all(partitions.map((partition) => this.#table.reach(partition)))
  }
}
