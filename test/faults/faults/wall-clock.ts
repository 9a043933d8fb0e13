import { SERVICE_NAMES } from '../../../schemas/services.ts'
import { NOTHING_MET } from '../harness/fault.ts'
import type { Fault } from '../harness/fault.ts'
import { Member } from '../harness/member.ts'

const OFFSET_MS = 2 * 3_600_000

/** The wall clock of one process is two hours wrong for a while, ahead or behind. */
export const wallClockWrong: Fault = {
  name: 'wall-clock-two-hours-wrong',
  lanes: SERVICE_NAMES,
  strike: async ({ target, dice }) => {
    target.tell({ clockOffsetMs: dice.next() < 0.5 ? OFFSET_MS : -OFFSET_MS })
    await Member.wait(8_000)
    target.tell({ clockOffsetMs: 0 })
    return NOTHING_MET
  },
}
