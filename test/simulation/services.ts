export const PARTITIONS = 2

export function otherPartition(partition: number): number {
  return (partition + 1) % PARTITIONS
}

export const TOPICS = {
  usageMetered: 'usage.metered',
  usageIds: 'usage.ids',
  usageBlocks: 'usage.blocks',
  accountInbox: 'account.inbox',
  nodeState: 'node.state',
  settlementBlocks: 'settlement.blocks',
} as const

/** A running instance of a service. */
export interface Service {
  /** Resolves when its consumer ended for good: the process must be replaced. */
  readonly failed: Promise<Error>
  /** Ends in order: transactions under way finish, the group is left. Resolves when it is over. */
  stop(): Promise<void>
}
