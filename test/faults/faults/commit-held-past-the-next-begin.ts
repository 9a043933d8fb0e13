import { TASK_SERVICES } from '../../../schemas/services.ts'
import { API } from '../../support/servers/kafka-proxy.ts'
import type { Exchange } from '../../support/servers/kafka-proxy.ts'
import { until } from '../../support/until.ts'
import type { Fault } from '../harness/fault.ts'
import { Member } from '../harness/member.ts'

const CAME_ABOUT_MS = 20_000

/** Longer than a request waits for its answer, so that the owner has given up and fenced anew. */
const HELD_MS = 8_000

/** The request that ends a transaction is held, and reaches the broker when its owner has begun other transactions since. */
export const commitHeld: Fault = {
  name: 'commit-held-past-the-next-begin',
  lanes: TASK_SERVICES,
  weight: 3,
  strike: async ({ fleet, target }) => {
    let held: Exchange | undefined
    target.kafka.onRequest = (exchange) => {
      if (exchange.api !== API.endTransaction || held !== undefined) return 'pass'
      held = exchange
      return 'keep'
    }
    await until(`a commit of ${target.title} to be held`, CAME_ABOUT_MS, () => held !== undefined)
    const openTransactions = await fleet.openTransactions(target.name)
    await Member.wait(HELD_MS)
    target.kafka.onRequest = () => 'pass'
    if (held !== undefined) await target.kafka.send(held)
    return { openTransactions, runningInserts: 0 }
  },
}
