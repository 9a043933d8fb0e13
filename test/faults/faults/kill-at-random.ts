import { SERVICE_NAMES } from '../../../schemas/services.ts'
import { Member } from '../harness/member.ts'
import type { Fault } from '../harness/fault.ts'

/** The longest time between the start of the fault and the kill. */
const LIFE_MS_MAX = 1_500

/** kill -9 of a service at a random moment; it is started again at once, and its group learns that the member has gone. */
export const killAtRandom: Fault = {
  name: 'kill-at-random',
  lanes: SERVICE_NAMES,
  strike: async ({ fleet, target, dice }) => {
    await Member.wait(dice.between(0, LIFE_MS_MAX))
    const insertsBefore = target.insertsUnderWay
    await target.kill()
    const openTransactions = await fleet.openTransactions(target.name)
    await fleet.endSessions(target.name)
    await target.revive()
    return { openTransactions, runningInserts: insertsBefore }
  },
}
