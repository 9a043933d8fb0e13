import { TASK_SERVICES } from '../../../schemas/services.ts'
import type { FailpointName } from '../../../pipelines/failpoints.ts'
import type { Fault, Lane } from '../harness/fault.ts'

/** The process dies where the point announces itself; an announcement that does not come fails the run. */
function killAt(point: FailpointName, name: string, lanes: readonly Lane[], weight = 1): Fault {
  const inInsert = point === 'during_insert'
  return {
    name,
    lanes,
    weight,
    strike: async ({ fleet, target }) => {
      await target.reach(point)
      await target.kill()
      const openTransactions = await fleet.openTransactions(target.name)
      await fleet.endSessions(target.name)
      await target.revive()
      return { openTransactions, runningInserts: inInsert ? 1 : 0 }
    },
  }
}

/** The broker has the records, the commit is not sent. */
export const killAfterSend = killAt('after_send', 'kill-after-send', TASK_SERVICES, 3)

/** The commit is on its way. */
export const killDuringCommit = killAt('during_commit', 'kill-during-commit', TASK_SERVICES)

/** The transaction is done, and nothing outside of Kafka knows it yet. */
export const killAfterCommit = killAt('after_commit', 'kill-after-commit', TASK_SERVICES)

/** The group's INSERTs begin, and none is sent. */
export const killBeforeInsert = killAt('before_insert', 'kill-before-insert', ['loader'])

/** ClickHouse may have the INSERT or not. */
export const killDuringInsert = killAt('during_insert', 'kill-during-insert', ['loader'])

/** ClickHouse has acknowledged one INSERT of a group. */
export const killAfterInsert = killAt('after_insert', 'kill-after-insert', ['loader'])

/** All of a group is loaded, its offset is not committed. */
export const killBeforeOffsetCommit = killAt('before_offset_commit', 'kill-before-offset-commit', ['loader'])
