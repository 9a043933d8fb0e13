import { NOTHING_MET } from '../fault.ts'
import type { Fault } from '../fault.ts'
import { Member } from '../member.ts'

const OFFSET_MS = 2 * 3_600_000

/** The wall clock of one process is two hours wrong for a while, one way or the other. */
export const wallClockWrong: Fault = {
  name: 'wall-clock-two-hours-wrong',
  lanes: ['gateway', 'aggregator', 'settler', 'loader', 'reader'],
  strike: async ({ target, dice }) => {
    target.tell({ clockOffsetMs: dice.next() < 0.5 ? OFFSET_MS : -OFFSET_MS })
    await Member.wait(8_000)
    target.tell({ clockOffsetMs: 0 })
    return NOTHING_MET
  },
}
