import type { TopicRole } from '../../schemas/topics.ts'
import type { CheckedTask, NewestTasks, VerifyRun } from './check.ts'
import type { Logs } from './logs.ts'

/**
 * What each of the tasks has committed last in a partition. Null where a log is older than what ClickHouse has of it: everything
 * else that could be compared differs for that one reason; it is reported once for each topic, as one difference.
 */
export async function newestTasks(
  { tables, differences, say }: Pick<VerifyRun, 'tables' | 'differences' | 'say'>,
  logs: Logs,
  tasks: readonly CheckedTask[],
  partition: number,
): Promise<NewestTasks | null> {
  const newest = new Map<TopicRole, Buffer | null>()
  let fits = true
  for (const { state, blocks, nextSeqOf } of tasks) {
    const topic = logs.topics[blocks]
    // Queried before the log is read: what is loaded at that time was committed before.
    const { lastSeq: loaded } = await tables.loaded({ topic, partition })
    const record = await logs.newestTask(state, partition)
    newest.set(state, record)
    const lastSeq = record === null ? 0 : nextSeqOf(record) - 1
    if (loaded <= lastSeq) continue
    fits = false
    say(
      `Kafka is older than ClickHouse: ClickHouse has blocks of ${topic}[${partition}] up to ${loaded}, the log knows of ${lastSeq}. Put back copies that belong together (docs/backup.md).`,
    )
    differences.add({
      table: 'watermarks',
      key: `${topic} partition ${partition}`,
      column: 'src_seq',
      expected: `at most ${lastSeq}`,
      found: String(loaded),
    })
  }
  return fits ? newest : null
}
