import { withAdmin } from '../../../pipelines/kafka/kafkajs/admin.ts'
import { coordinatorOf } from '../../support/servers/kafka-metadata.ts'
import { commitOffset } from '../../support/servers/kafka-wire.ts'
import { NOTHING_MET } from '../harness/fault.ts'
import type { Fault } from '../harness/fault.ts'
import type { Fleet } from '../harness/fleet.ts'
import { CONSUMERS, SERVICES } from '../../../schemas/services.ts'
import type { ServiceSpec } from '../../../schemas/services.ts'
import { blockTopics } from '../../../schemas/topics.ts'
import { Member } from '../harness/member.ts'

/** Stops all consumers, changes the offsets of their groups, and starts them again. */
async function whileStopped(fleet: Fleet, change: () => Promise<void>): Promise<void> {
  const members = CONSUMERS.flatMap((name) => fleet.of(name))
  for (const member of members) fleet.resting.add(member)
  await Promise.all(members.map((member) => member.stop()))
  for (const name of CONSUMERS) await fleet.endSessions(name)
  await change()
  for (const member of members) fleet.resting.delete(member)
  await Promise.all(members.map((member) => member.revive()))
}

async function deleteGroups(fleet: Fleet): Promise<void> {
  const { kafka, prefix } = fleet.installation
  await withAdmin(kafka, (admin) => admin.deleteGroups(CONSUMERS.map((name) => `${prefix}${name}`)))
}

/** The groups are deleted, which is also what a broker does with expired ones. */
export const groupsDeleted: Fault = {
  name: 'consumer-groups-deleted',
  lanes: ['world'],
  strike: async ({ fleet }) => {
    await whileStopped(fleet, () => deleteGroups(fleet))
    return NOTHING_MET
  },
}

/** All offsets of the groups are set to 0. */
export const groupsReset: Fault = {
  name: 'consumer-groups-reset-to-0',
  lanes: ['world'],
  strike: async ({ fleet }) => {
    const { kafka, topics, prefix, partitions } = fleet.installation
    await whileStopped(fleet, async () => {
      for (const name of CONSUMERS) {
        const group = `${prefix}${name}`
        const { address } = await coordinatorOf(kafka.brokers, 'group', group)
        const service: ServiceSpec = SERVICES[name]
        const inputs = service.input === undefined ? blockTopics(topics) : [topics[service.input]]
        for (const topic of inputs) {
          for (let partition = 0; partition < partitions; partition++) {
            await commitOffset(address, group, { topic, partition, offset: 0n })
          }
        }
      }
    })
    return NOTHING_MET
  },
}

/** The consumers are away while events come in, and begin as a group that the broker does not know. */
export const consumersStartLate: Fault = {
  name: 'consumers-start-long-after-producers',
  lanes: ['world'],
  strike: async ({ fleet }) => {
    await whileStopped(fleet, async () => {
      await Member.wait(20_000)
      await deleteGroups(fleet)
    })
    return NOTHING_MET
  },
}
