import type { GrowthKafka } from './drain.ts'
import { readPartition } from '../../../pipelines/kafka/read.ts'
import type { TopicAppend } from '../../../pipelines/log/records.ts'
import { settlerTaskCodec, STATE_KEY } from '../../../schemas/avro.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import type { SettlerTask } from '../../../schemas/records.ts'
import { inboxConfigureCodec } from '../../../schemas/avro.ts'

/**
 * The node of a key of node.state: of an account, a command's outcome or heartbeats; null for a key that belongs to a
 * partition.
 */
export function nodeOfKey(key: string): string | null {
  if (key.startsWith(STATE_KEY.commands)) {
    return key.slice(STATE_KEY.commands.length, key.lastIndexOf('/'))
  }
  if (key.startsWith(STATE_KEY.heartbeats)) return key.slice(STATE_KEY.heartbeats.length)
  return key.startsWith('!') ? null : key
}

/**
 * The accounts and outcomes of one partition that ended, each for the partition that its node has among `partitions`: the
 * bytes unchanged, the newest of each key.
 */
export async function accountsOf(
  from: GrowthKafka & { readonly topic: string; readonly partition: number },
  to: { readonly topic: string; readonly partitions: number },
): Promise<TopicAppend[]> {
  const newest = new Map<string, Buffer | null>()
  for await (const records of readPartition(from)) {
    for (const { key, value } of records) if (key !== null) newest.set(key.toString('latin1'), value)
  }
  const moved: TopicAppend[] = []
  for (const [key, value] of newest) {
    const nodeId = nodeOfKey(key)
    if (nodeId === null || value === null) continue
    moved.push({ topic: to.topic, partition: partitionOfNode(nodeId, to.partitions), key, value })
  }
  return moved
}

/**
 * The task record that every partition of the next version begins with. Log time and watermark never fall for any node,
 * so both are the newest of all; the rules are those of the highest version.
 */
export function firstSettlerTask(ended: readonly SettlerTask[]): SettlerTask {
  const version = ({ rules }: SettlerTask): number =>
    rules === null ? 0 : inboxConfigureCodec.decode(rules).version
  const newest = ended.reduce((left, right) => (version(right) > version(left) ? right : left))
  return {
    position: 0,
    next_seq: 1,
    now: Math.max(...ended.map(({ now }) => now)),
    watermark: Math.max(...ended.map(({ watermark }) => watermark)),
    handed_offset: 0,
    handed_index: 0,
    rules: newest.rules,
    loaded_seq: 0,
    oldest_unloaded_at: null,
    ended: false,
    since: [],
  }
}

/** The record of a task that begins. */
export function settlerTaskRecord(topic: string, partition: number, task: SettlerTask): TopicAppend {
  return { topic, partition, key: STATE_KEY.task, value: settlerTaskCodec.encode(task) }
}
