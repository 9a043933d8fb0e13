import { topicNames } from '../../schemas/topics.ts'

export const PARTITIONS = 2

export const PARTITION_NUMBERS: readonly number[] = Array.from(
  { length: PARTITIONS },
  (_, partition) => partition,
)

export function otherPartition(partition: number): number {
  return (partition + 1) % PARTITIONS
}

export const TOPICS = topicNames('')

/** A running instance of a service. */
export interface Service {
  /** Resolves when its consumer has ended for good: the process must be replaced. */
  readonly failed: Promise<Error>
  /** Ends in order: transactions under way finish, and the consumer leaves the group. Resolves when that is over. */
  stop(): Promise<void>
}
