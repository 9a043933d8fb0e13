import { SERVICES, TASK_SERVICES } from '../../../schemas/services.ts'
import { noFailpoint } from '../../../pipelines/failpoints.ts'
import { TransactionalWriter } from '../../../pipelines/kafka/transaction.ts'
import { fenceCodec, STATE_KEY } from '../../../schemas/avro.ts'
import { NOTHING_MET } from '../harness/fault.ts'
import type { Fault } from '../harness/fault.ts'

/** A rival takes a task's transactional id: the owner is fenced, and must come back without a contest. */
export const sameTransactionalIdTwice: Fault = {
  name: 'same-transactional-id-twice',
  lanes: TASK_SERVICES,
  strike: async ({ fleet, target, dice }) => {
    const { installation } = fleet
    const partition = dice.between(0, installation.partitions - 1)
    const rival = new TransactionalWriter({
      ...installation.kafka,
      transactionalId: `${installation.prefix}${target.name}-${partition}`,
      failpoint: noFailpoint,
    })
    const service = TASK_SERVICES.find((name) => name === target.name)
    if (service === undefined) throw new Error(`${target.title} has no tasks.`)
    const topic = installation.topics[SERVICES[service].state]
    const value = fenceCodec.encode({ instance: 'rival' })
    await rival.commit([{ topic, partition, key: STATE_KEY.fence, value }])
    await rival.close()
    return NOTHING_MET
  },
}
