import type { SettlerTask } from '../../../schemas/records.ts'
import type { Differences } from '../differences.ts'
import { BrokenHandOver } from '../hand-over.ts'
import type { Logs } from '../logs.ts'
import type { Undecided } from '../undecided.ts'
import type { Carried } from './carried.ts'
import { AccountModel } from './model.ts'

/** What one partition of account.inbox leads to. */
export interface Inbox {
  readonly model: AccountModel
  readonly startOffset: bigint
  /** Log time of its first record. */
  readonly startMs: number | null
}

/** Reads one partition of account.inbox up to the task's position and works out what follows from it. */
export async function readInbox(
  logs: Logs,
  partition: number,
  task: SettlerTask,
  differences: Differences,
  carried: Carried | null,
  undecided: Undecided,
): Promise<Inbox> {
  const { start: startOffset } = await logs.range('accountInbox', partition)
  const model = modelOf(startOffset === 0n, carried, task)
  model.undecided = undecided
  model.since = task.since
  model.endOffset = task.ended ? BigInt(task.position) - 1n : null
  let startMs: number | null = null
  const to = BigInt(task.position)
  for await (const record of logs.read('accountInbox', partition, { to })) {
    startMs ??= record.timestampMs
    try {
      model.apply(record)
    } catch (error) {
      if (!(error instanceof BrokenHandOver)) throw error
      differences.add({
        table: logs.topics.accountInbox,
        key: `partition ${partition}`,
        column: 'from',
        expected: 'ranges that tile',
        found: error.message,
      })
      break
    }
  }
  return { model, startOffset, startMs }
}

function modelOf(isWhole: boolean, carried: Carried | null, { rules }: SettlerTask): AccountModel {
  if (!isWhole) return AccountModel.fromTheMiddle(rules)
  return carried === null ? AccountModel.fromZero() : AccountModel.continued(carried)
}
