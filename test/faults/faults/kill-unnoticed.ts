import type { Fault } from '../fault.ts'
import { Member } from '../member.ts'

/** Beyond the session: the other instance has taken over by then. */
const AWAY_MS = 12_000

/** kill -9, and nobody tells the group: the dead member's partitions wait for the end of its session. */
export const killUnnoticed: Fault = {
  name: 'kill-unnoticed',
  lanes: ['aggregator', 'settler', 'loader'],
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
