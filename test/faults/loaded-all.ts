import { readPartition, readRanges } from '../../pipelines/kafka/read.ts'
import { BLOCK_HEADER } from '../../schemas/tables.ts'
import type { Installation } from '../support/installation.ts'
import { until } from '../support/until.ts'

const LOADED_MS = 240_000

/** The end of a block topic that is sure to hold a block: markers stand behind it. */
const TAIL = 50n

export type BlockRole = 'usageBlocks' | 'settlementBlocks'

/**
 * Waits until ClickHouse has every block that the topics hold now. `database` is the one that is asked, where it is not
 * the installation's own.
 */
export async function loadedAll(
  installation: Installation,
  roles: readonly BlockRole[],
  database = installation.database,
): Promise<void> {
  for (const role of roles) {
    const topic = installation.topics[role]
    const newest = await newestBlocks(installation, topic)
    let loaded: readonly number[] = []
    await until(
      `blocks ${newest.join(', ')} of ${topic} to be loaded into ${database}`,
      LOADED_MS,
      async () => {
        loaded = await loadedSeqs(installation, topic, database)
        return newest.every((seq, partition) => (loaded[partition] ?? 0) >= seq)
      },
      () => `${loaded.join(', ')} are`,
    )
  }
}

async function loadedSeqs(installation: Installation, topic: string, database: string): Promise<number[]> {
  const rows = await installation.clickhouse.rows<{ partition: number; seq: string }>(
    `SELECT src_partition AS partition, max(src_seq) AS seq FROM ${database}.watermarks
       WHERE src_topic = {topic:String} GROUP BY partition`,
    { topic },
  )
  const seqs: number[] = Array.from({ length: installation.partitions }, () => 0)
  for (const { partition, seq } of rows) seqs[partition] = Number(seq)
  return seqs
}

/** The number of the newest block that ends a group, by partition: an open group cannot be loaded. */
async function newestBlocks(installation: Installation, topic: string): Promise<number[]> {
  const ranges = await readRanges({ ...installation.kafka, topic })
  return await Promise.all(
    Array.from({ length: installation.partitions }, async (_, partition) => {
      const { start = 0n, end = 0n } = ranges.get(partition) ?? {}
      for (let tail = TAIL; ; tail *= 4n) {
        const from = end - tail > start ? end - tail : start
        let newest = 0
        for await (const records of readPartition({ ...installation.kafka, topic, partition, from, to: end })) {
          for (const { headers } of records) {
            const ends = headers[BLOCK_HEADER.groupEnds]?.toString() === '1'
            if (ends) newest = Number(headers[BLOCK_HEADER.seq]?.toString())
          }
        }
        if (newest > 0 || from === start) return newest
      }
    }),
  )
}
