import { SERVICE_NAMES, TASK_SERVICES } from '../../../schemas/services.ts'
import type { FailpointName } from '../../../pipelines/failpoints.ts'
import type { Fault, Lane } from '../harness/fault.ts'
import { Member } from '../harness/member.ts'

/** Longer than session and transaction timeout, both 10 s. */
const FROZEN_MS = 14_000

/** The longest wait for the first look after a start. */
const LOOK_MS = 60_000

/**
 * SIGSTOP until another instance has taken over, then SIGCONT: the zombie goes on from where it stopped. `point` is where
 * it freezes; null for anywhere.
 */
function freezeAt(point: FailpointName | null, name: string, lanes: readonly Lane[]): Fault {
  return {
    name,
    lanes,
    strike: async ({ fleet, target }) => {
      // A loader looks only after an assignment: so the fault arms the point at a start of its own.
      if (point === 'after_look') {
        fleet.resting.add(target)
        await target.kill()
        await fleet.endSessions(target.name)
        target.start([point])
        fleet.resting.delete(target)
        await target.announces(point, LOOK_MS)
      } else if (point !== null) {
        await target.reach(point)
      }
      target.signal('SIGSTOP')
      // It finds this message when it wakes: it goes on at once from where it waits.
      if (point !== null) target.tell({ release: true })
      const openTransactions = await fleet.openTransactions(target.name)
      await Member.wait(FROZEN_MS)
      target.signal('SIGCONT')
      return { openTransactions, runningInserts: point === 'during_insert' ? 1 : 0 }
    },
  }
}

/** Frozen wherever it is. */
export const freeze = freezeAt(null, 'freeze-while-another-takes-over', SERVICE_NAMES)

/** Frozen with an open transaction: what it sends after waking must be refused. */
export const freezeAfterSend = freezeAt('after_send', 'freeze-in-open-transaction', TASK_SERVICES)

/** Frozen between a look and the INSERT that followed from it. */
export const freezeAfterLook = freezeAt('after_look', 'freeze-between-look-and-insert', ['loader'])

/** Frozen between the check of the heartbeat and the INSERT. */
export const freezeBeforeInsert = freezeAt('before_insert', 'freeze-between-heartbeat-and-insert', ['loader'])
