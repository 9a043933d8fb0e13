import { TASK_SERVICES } from '../../../schemas/services.ts'
import { NOTHING_MET } from '../harness/fault.ts'
import type { Fault } from '../harness/fault.ts'

/** A service dies at its start, when its fence is committed and nothing is restored; then it starts without a fault. */
export const killAfterFence: Fault = {
  name: 'kill-after-fence',
  lanes: TASK_SERVICES,
  strike: async ({ fleet, target }) => {
    fleet.resting.add(target)
    await target.kill()
    await fleet.endSessions(target.name)
    target.start(['after_fence'])
    await target.announces('after_fence', 60_000)
    await target.kill()
    await fleet.endSessions(target.name)
    fleet.resting.delete(target)
    await target.revive()
    return NOTHING_MET
  },
}
