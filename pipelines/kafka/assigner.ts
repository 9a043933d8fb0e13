import kafkajs from 'kafkajs'
import type { PartitionAssigner } from 'kafkajs'

const { AssignerProtocol } = kafkajs

/**
 * Gives partition p of every subscribed topic to the same member, so that one partition is one task: member number
 * p mod N in the order of their ids. With one member (a group of its own) that member gets everything.
 */
export const samePartitionAssigner: PartitionAssigner = ({ cluster }) => ({
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
              .filter((partition) => partition % memberIds.length === member),
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
