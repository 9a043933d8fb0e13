import { systemClock } from '../../../../pipelines/clock.ts'
import { boundAfter, untilFailedOver } from '../../harness/failover.ts'
import type { Fault } from '../../harness/fault.ts'
import { Member } from '../../harness/member.ts'
import { openTransactions } from './kafka-broker.ts'

/** A broker is frozen and goes on where it stopped; its connections stay open all the time. */
function frozenFor(seconds: number, weight: number): Fault {
  return {
    name: `broker-frozen-for-${seconds}-s`,
    lanes: ['world'],
    needs: 'several brokers',
    weight,
    strike: async ({ fleet, dice }) => {
      const open = await openTransactions(fleet)
      const { kafka, installation } = fleet
      const broker =
        dice.next() < 0.5 ? await kafka.leadingMost(installation.prefix) : dice.pick(kafka.brokers)
      const startMs = systemClock.monotonicMs()
      broker.signal('SIGSTOP')
      const failoverMs = await untilFailedOver(kafka, broker)
      await Member.wait(Math.max(0, seconds * 1_000 - (systemClock.monotonicMs() - startMs)))
      broker.signal('SIGCONT')
      return { openTransactions: open, runningInserts: 0, outage: boundAfter(failoverMs) }
    },
  }
}

export const brokerFrozen25 = frozenFor(25, 2)
export const brokerFrozen75 = frozenFor(75, 1)
export const brokerFrozen130 = frozenFor(130, 1)
