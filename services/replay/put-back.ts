import type { LogProducer } from '../../pipelines/log/producer.ts'
import type { LogAppend } from '../../pipelines/log/records.ts'
import { receiptHeaders } from '../../pipelines/usage/receipt.ts'
import { usageEventsCodec } from '../../schemas/avro.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import type { UsageEvent } from '../../schemas/usage.ts'

/** Where events go back to, and the key that proves their receipt. */
export interface PutBackParts {
  readonly topic: string
  readonly partitions: number
  readonly idKey: Buffer
}

/** Events in one record: about 300 kB of the longest texts. */
const EVENTS_PER_RECORD = 100

/**
 * Appends events to usage.metered with the receipt of the record in which they were refused, so that their age is judged
 * as it was then. Rejects where the broker does not acknowledge: the events may be in the log then, and a second replay
 * makes repeats of them.
 */
export async function putBack(
  producer: LogProducer,
  events: readonly UsageEvent[],
  receiptMs: number,
  { topic, partitions, idKey }: PutBackParts,
): Promise<void> {
  const byPartition = Map.groupBy(events, (event) => partitionOfNode(event.node_id, partitions))
  for (const [partition, group] of byPartition) {
    for (let from = 0; from < group.length; from += EVENTS_PER_RECORD) {
      const value = usageEventsCodec.encode({ events: group.slice(from, from + EVENTS_PER_RECORD) })
      const headers = receiptHeaders(idKey, topic, receiptMs, value)
      const record: LogAppend = { partition, key: null, value, headers }
      await producer.append([record])
    }
  }
}
