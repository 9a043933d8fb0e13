import type { CheckedTask, VerifyRun } from './check.ts'
import type { Logs } from './logs.ts'

/**
 * Whether a partition's logs are as new as what ClickHouse has of it. Where one is older, everything else that could be
 * compared differs for that one reason; it is reported once for each topic, as one difference.
 */
export async function areLogsNewEnough(
  { tables, differences, say }: Pick<VerifyRun, 'tables' | 'differences' | 'say'>,
  logs: Logs,
  tasks: readonly CheckedTask[],
  partition: number,
): Promise<boolean> {
  let fits = true
  for (const { state, blocks, nextSeqOf } of tasks) {
    const topic = logs.topics[blocks]
    // Queried before the log is read: what is loaded at that time was committed before.
    const { lastSeq: loaded } = await tables.loaded({ topic, partition })
    const record = await logs.newestTask(state, partition)
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
  return fits
}
