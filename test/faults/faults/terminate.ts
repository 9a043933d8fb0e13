import { NOTHING_MET } from '../fault.ts'
import type { Fault } from '../fault.ts'
import { Member } from '../member.ts'

/** SIGTERM at a random moment: the service ends by itself with 0, and starts again. */
export const terminate: Fault = {
  name: 'terminate',
  lanes: ['gateway', 'aggregator', 'settler', 'loader', 'reader'],
  strike: async ({ fleet, target, dice }) => {
    await Member.wait(dice.between(0, 1_000))
    fleet.resting.add(target)
    await target.stop()
    fleet.resting.delete(target)
    await target.revive()
    return NOTHING_MET
  },
}
