import { aggregatorTaskCodec, settlerTaskCodec } from '../../schemas/avro.ts'
import type { Differences } from './differences.ts'
import type { Logs } from './logs.ts'
import type { Tables } from './tables.ts'

/**
 * Whether a partition's log is as new as what ClickHouse has of it. Where it is older, all else that could be compared
 * differs for that one reason: said once a topic, as one difference.
 */
export async function isLogNewEnough(
  parts: {
    readonly logs: Logs
    readonly tables: Tables
    readonly differences: Differences
    readonly say: (line: string) => void
  },
  partition: number,
): Promise<boolean> {
  const { logs, tables, differences, say } = parts
  let fits = true
  for (const [state, topic] of [
    ['usageIds', logs.topics.usageBlocks],
    ['nodeState', logs.topics.settlementBlocks],
  ] as const) {
    // Asked before the log is read: what is loaded now was committed before.
    const { lastSeq: loaded } = await tables.loaded({ topic, partition })
    const value = (await logs.newestTask(state, partition))?.value ?? null
    const codec = state === 'usageIds' ? aggregatorTaskCodec : settlerTaskCodec
    const lastSeq = value === null ? 0 : codec.decode(value).next_seq - 1
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
