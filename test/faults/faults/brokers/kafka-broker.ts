import { NO_BOUND } from '../../harness/fault.ts'
import type { Fault } from '../../harness/fault.ts'
import type { Fleet } from '../../harness/fleet.ts'
import { Member } from '../../harness/member.ts'
import { SERVICE_NAMES } from '../../../../schemas/services.ts'

/** Open transactions of all services. */
export async function openTransactions(fleet: Fleet): Promise<number> {
  const open = await Promise.all(SERVICE_NAMES.map((name) => fleet.openTransactions(name)))
  return open.reduce((sum, some) => sum + some, 0)
}

/** kill -9 of a broker, down for a few seconds, then it recovers its logs. */
export const kafkaKilled: Fault = {
  name: 'kafka-killed',
  lanes: ['world'],
  strike: async ({ fleet, dice }) => {
    const open = await openTransactions(fleet)
    const node = dice.pick(fleet.kafka.brokers)
    await node.kill()
    await Member.wait(dice.between(0, 6_000))
    await node.start()
    return { openTransactions: open, runningInserts: 0, outage: NO_BOUND }
  },
}

/** A clean stop and start of a broker. */
export const kafkaRestarted: Fault = {
  name: 'kafka-restarted',
  lanes: ['world'],
  strike: async ({ fleet, dice }) => {
    const open = await openTransactions(fleet)
    const node = dice.pick(fleet.kafka.brokers)
    await node.stop()
    await node.start()
    return { openTransactions: open, runningInserts: 0, outage: NO_BOUND }
  },
}

/** A broker answers nothing for 20 s, and goes on where it stopped. */
export const kafkaFrozen: Fault = {
  name: 'kafka-frozen',
  lanes: ['world'],
  strike: async ({ fleet, dice }) => {
    const open = await openTransactions(fleet)
    const node = dice.pick(fleet.kafka.brokers)
    node.signal('SIGSTOP')
    await Member.wait(20_000)
    node.signal('SIGCONT')
    return { openTransactions: open, runningInserts: 0, outage: NO_BOUND }
  },
}
