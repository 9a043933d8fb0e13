import { SERVICE_NAMES } from '../../../schemas/services.ts'
import { NOTHING_MET } from '../harness/fault.ts'
import type { Fault } from '../harness/fault.ts'
import { Member } from '../harness/member.ts'

/** Every connection of a service to Kafka ends with a reset, five times in a second. */
export const connectionsReset: Fault = {
  name: 'kafka-connections-reset',
  lanes: SERVICE_NAMES,
  strike: async ({ fleet, target }) => {
    let openTransactions = 0
    for (let time = 0; time < 5; time++) {
      target.kafka.reset()
      openTransactions += await fleet.openTransactions(target.name)
      await Member.wait(200)
    }
    return { openTransactions, runningInserts: 0 }
  },
}

/** Every answer of Kafka comes a second late for 8 s. */
export const connectionsDelayed: Fault = {
  name: 'kafka-answers-delayed',
  lanes: SERVICE_NAMES,
  strike: async ({ target }) => {
    target.kafka.delayMs = 1_000
    await Member.wait(8_000)
    target.kafka.delayMs = 0
    return NOTHING_MET
  },
}

/** For 5 s every tenth answer of Kafka is cut in its middle. */
export const repliesCut: Fault = {
  name: 'kafka-answers-cut-in-the-middle',
  lanes: SERVICE_NAMES,
  strike: async ({ target, dice }) => {
    target.kafka.onReply = () => (dice.next() < 0.1 ? 'half' : 'pass')
    await Member.wait(5_000)
    target.kafka.onReply = () => 'pass'
    return NOTHING_MET
  },
}
