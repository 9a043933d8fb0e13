import { withAdmin } from '../../../pipelines/kafka/kafkajs/admin.ts'
import type { Installation } from '../processes/installation.ts'
import { coordinatorOf } from './kafka-metadata.ts'
import { leaveGroup } from './kafka-wire.ts'
import type { ConsumerName } from '../../../schemas/services.ts'

/** Members of a service's group, as the coordinator lists them. */
async function groupMembers(installation: Installation, service: ConsumerName): Promise<string[]> {
  const groupId = `${installation.prefix}${service}`
  return await withAdmin(installation.kafka, async (admin) => {
    const { groups } = await admin.describeGroups([groupId])
    return groups.flatMap((group) => group.members.map(({ memberId }) => memberId))
  })
}

/**
 * Removes every member from a service's group, as the coordinator does when a session ends: so a test need not wait for
 * that (10 s, the loader's 30 s). For members that are dead or stopped.
 */
export async function endSessions(installation: Installation, service: ConsumerName): Promise<void> {
  const groupId = `${installation.prefix}${service}`
  const { address } = await coordinatorOf(installation.kafka.brokers, 'group', groupId)
  for (const member of await groupMembers(installation, service)) {
    await leaveGroup(address, groupId, member)
  }
}
