import { readPartition } from '../../../pipelines/kafka/read.ts'
import { BLOCK_HEADER, TABLES } from '../../../schemas/tables.ts'
import type { Installation } from '../../support/processes/installation.ts'

/** When costs were decided, by the log's times: ascending for each partition. Aborted transactions do not count. */
export async function costTimes({ kafka, topics, partitions }: Installation): Promise<readonly number[][]> {
  const topic = topics.settlementBlocks
  return await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const times: number[] = []
      for await (const records of readPartition({ ...kafka, topic, partition })) {
        for (const { headers, timestampMs } of records) {
          if (headers[BLOCK_HEADER.table]?.toString() === TABLES.costDecisions.name) times.push(timestampMs)
        }
      }
      return times
    }),
  )
}
