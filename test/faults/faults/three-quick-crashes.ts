import { SERVICE_NAMES } from '../../../schemas/services.ts'
import type { Fault } from '../harness/fault.ts'
import { Member } from '../harness/member.ts'

/** Three kill -9 in a row, each soon after the start before: many fences follow one another, and restores do not finish. */
export const threeQuickCrashes: Fault = {
  name: 'three-quick-crashes',
  lanes: SERVICE_NAMES,
  strike: async ({ fleet, target, dice }) => {
    fleet.resting.add(target)
    let openTransactions = 0
    for (let crash = 0; crash < 3; crash++) {
      await target.kill()
      openTransactions += await fleet.openTransactions(target.name)
      await fleet.endSessions(target.name)
      target.start()
      await Member.wait(dice.between(300, 2_500))
    }
    fleet.resting.delete(target)
    await target.revive()
    return { openTransactions, runningInserts: 0 }
  },
}
