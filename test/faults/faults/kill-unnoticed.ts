import { CONSUMERS } from '../../../schemas/services.ts'
import type { Fault } from '../harness/fault.ts'
import { Member } from '../harness/member.ts'

/** Longer than the session: the other instance has taken over by then. */
const AWAY_MS = 12_000

/** kill -9, and the group does not learn of it: the dead member's partitions wait for the end of its session. */
export const killUnnoticed: Fault = {
  name: 'kill-unnoticed',
  lanes: CONSUMERS,
  strike: async ({ fleet, target }) => {
    fleet.resting.add(target)
    await target.kill()
    const openTransactions = await fleet.openTransactions(target.name)
    await Member.wait(AWAY_MS)
    fleet.resting.delete(target)
    await target.revive()
    return { openTransactions, runningInserts: 0 }
  },
}
