import { TASK_SERVICES } from '../../../schemas/services.ts'
import { API } from '../../support/servers/kafka-proxy.ts'
import { until } from '../../support/until.ts'
import type { Fault, Lane } from '../harness/fault.ts'
import { Member } from '../harness/member.ts'

const CAME_ABOUT_MS = 20_000

/** Some answers of one kind never come: the broker has done what was requested, and the client does not know it. */
function lose(name: string, api: number, lanes: readonly Lane[], weight = 1): Fault {
  return {
    name,
    lanes,
    weight,
    strike: async ({ target }) => {
      let lost = 0
      target.kafka.onReply = (exchange) => {
        if (exchange.api !== api || lost >= 3) return 'pass'
        lost++
        return 'swallow'
      }
      await until(`an answer of ${target.title} to be lost`, CAME_ABOUT_MS, () => lost > 0)
      await Member.wait(1_000)
      target.kafka.onReply = () => 'pass'
      return { openTransactions: api === API.endTransaction ? lost : 0, runningInserts: 0 }
    },
  }
}

/** The transaction is committed, but its owner never gets the answer. */
export const commitAnswerLost = lose('commit-answer-lost', API.endTransaction, TASK_SERVICES, 3)

/** The records are in the log, but their producer never gets the answer. */
export const produceAnswerLost = lose('produce-answer-lost', API.produce, ['gateway', ...TASK_SERVICES])
