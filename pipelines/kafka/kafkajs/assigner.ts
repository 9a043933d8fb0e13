import kafkajs from 'kafkajs'
import type { Assigner, Cluster, PartitionAssigner } from 'kafkajs'
import type { SettlingAssigner } from './patches/before-rebalance.ts'

const { AssignerProtocol } = kafkajs

/** What a consumer's assigner knows besides the rule. */
export interface AssignerOptions {
  /** Only the partitions below this number are assigned; all of them where it is not given. */
  readonly partitions?: number | undefined
  /** For a consumer whose work continues after its handlers: it joins again, or leaves, only after this has resolved. */
  readonly settled?: () => Promise<void>
}

/**
 * Gives partition p of every subscribed topic to the same member, so that one partition is one task: the member with number
 * p mod N in the order of their ids. With only one member (a group of its own) that member gets everything.
 */
export const samePartitionAssigner =
  ({ partitions, settled }: AssignerOptions = {}): PartitionAssigner =>
  ({ cluster }): SettlingAssigner => {
    const assigner = assignerFor(cluster, partitions)
    return settled === undefined ? assigner : { ...assigner, settled }
  }

const assignerFor = (cluster: Cluster, partitions = Number.POSITIVE_INFINITY): Assigner => ({
  name: 'HivemeterSamePartition',
  version: 1,

  assign: async ({ members, topics }) => {
    const memberIds = members.map(({ memberId }) => memberId).toSorted()
    return memberIds.map((memberId, member) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: 1,
        assignment: Object.fromEntries(
          topics.map((topic) => [
            topic,
            cluster
              .findTopicPartitionMetadata(topic)
              .map(({ partitionId }) => partitionId)
              .filter((partition) => partition < partitions && partition % memberIds.length === member),
          ]),
        ),
        userData: Buffer.alloc(0),
      }),
    }))
  },

  protocol: ({ topics }) => ({
    name: 'HivemeterSamePartition',
    metadata: AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData: Buffer.alloc(0) }),
  }),
})
