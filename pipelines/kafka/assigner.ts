import kafkajs from 'kafkajs'
import type { Cluster, PartitionAssigner } from 'kafkajs'
import type { SettlingAssigner } from './before-rebalance.ts'

const { AssignerProtocol } = kafkajs

/**
 * Gives partition p of every subscribed topic to the same member, so that one partition is one task: member number
 * p mod N in the order of their ids. With one member (a group of its own) that member gets everything.
 */
export const samePartitionAssigner: PartitionAssigner = ({ cluster }) => assignerFor(cluster)

/** The same for the partitions below a number alone. */
export const samePartitionAssignerBelow =
  (partitions: number | undefined): PartitionAssigner =>
  ({ cluster }) =>
    assignerFor(cluster, partitions)

/** The same for a consumer that has work behind its handlers: it joins again, or leaves, after `settled`. */
export const samePartitionAssignerAfter =
  (settled: () => Promise<void>, partitions?: number): PartitionAssigner =>
  ({ cluster }): SettlingAssigner => ({ ...assignerFor(cluster, partitions), settled })

const assignerFor = (cluster: Cluster, partitions = Number.POSITIVE_INFINITY): SettlingAssigner => ({
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
