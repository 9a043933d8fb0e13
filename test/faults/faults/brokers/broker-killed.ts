import { TASK_SERVICES } from '../../../../schemas/services.ts'
import { until } from '../../../support/until.ts'
import { coordinatorOf } from '../../../support/servers/kafka-metadata.ts'
import { KILLED_BOUND_MS, untilFailedOver } from '../../harness/failover.ts'
import type { Fault, FaultContext, Strike } from '../../harness/fault.ts'
import type { FaultBroker } from '../../harness/fleet-kafka.ts'
import { Member } from '../../harness/member.ts'
import { openTransactions } from './kafka-broker.ts'

const CAME_ABOUT_MS = 20_000
const DOWN_MS_MAX = 6_000

/** kill -9: the others go on without it, and some seconds later it comes back to its logs. */
async function killed({ fleet, dice }: FaultContext, broker: FaultBroker, open: number): Promise<Strike> {
  await broker.kill()
  const failoverMs = await untilFailedOver(fleet.kafka, broker)
  await Member.wait(dice.between(0, DOWN_MS_MAX))
  await broker.start()
  return {
    openTransactions: open,
    runningInserts: 0,
    outage: { failoverMs, boundMs: KILLED_BOUND_MS },
  }
}

/** The broker that leads most partitions dies. */
export const leadingBrokerKilled: Fault = {
  name: 'broker-killed-that-leads-most',
  lanes: ['world'],
  needs: 'several brokers',
  weight: 2,
  strike: async (context) => {
    const { fleet } = context
    const open = await openTransactions(fleet)
    return await killed(context, await fleet.kafka.leadingMost(fleet.installation.prefix), open)
  },
}

/** The active controller dies: the others elect another before they can move a leader. */
export const controllingBrokerKilled: Fault = {
  name: 'broker-killed-that-controls',
  lanes: ['world'],
  needs: 'several brokers',
  strike: async (context) => {
    const open = await openTransactions(context.fleet)
    return await killed(context, await context.fleet.kafka.controlling(), open)
  },
}

/** The coordinator of a transaction dies while the transaction is open: its records are there, its commit is not. */
export const coordinatingBrokerKilled: Fault = {
  name: 'broker-killed-that-coordinates-an-open-transaction',
  lanes: ['world'],
  needs: 'several brokers',
  weight: 2,
  strike: async (context) => {
    const { fleet, dice } = context
    const { kafka, prefix } = fleet.installation
    const name = dice.pick(TASK_SERVICES)
    // Whichever of the two instances reaches the point: the other may have no partition.
    const members = fleet.of(name)
    for (const member of members) member.tell({ arm: 'after_send' })
    try {
      let open: number[] = []
      await until(`an open transaction of ${name}`, CAME_ABOUT_MS, async () => {
        open = await fleet.openPartitions(name)
        return open.length > 0
      })
      const transactionalId = `${prefix}${name}-${open[0]}`
      const { nodeId } = await coordinatorOf(kafka.brokers, 'transaction', transactionalId)
      const broker = fleet.kafka.brokers.find(({ id }) => id === nodeId)
      if (broker === undefined) throw new Error(`no broker ${nodeId}, which coordinates ${transactionalId}`)
      const struck = killed(context, broker, open.length)
      // Also the instance that has not reached the point yet: it must not wait there while the broker is away, or
      // afterwards.
      for (const member of members) member.tell({ release: true })
      return await struck
    } finally {
      for (const member of members) member.tell({ release: true })
    }
  },
}
