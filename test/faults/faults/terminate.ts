import { SERVICE_NAMES } from '../../../schemas/services.ts'
import { NOTHING_MET } from '../harness/fault.ts'
import type { Fault } from '../harness/fault.ts'
import { Member } from '../harness/member.ts'

/** SIGTERM at a random moment: the service ends by itself with 0, and starts again. */
export const terminate: Fault = {
  name: 'terminate',
  lanes: SERVICE_NAMES,
  strike: async ({ fleet, target, dice }) => {
    await Member.wait(dice.between(0, 1_000))
    fleet.resting.add(target)
    await target.stop()
    fleet.resting.delete(target)
    await target.revive()
    return NOTHING_MET
  },
}
