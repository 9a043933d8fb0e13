import type { BlockRole } from '../../../schemas/topics.ts'
import { readPartition, readRanges } from '../../../pipelines/kafka/read.ts'
import { BLOCK_HEADER } from '../../../schemas/tables.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { until } from '../../support/until.ts'

const LOADED_MS = 180_000

/** Enough records at the end of a block topic to hold its newest blocks in most cases: markers follow them. */
const TAIL = 50n

/** The numbers of blocks by topic and partition. */
export type BlockNumbers = ReadonlyMap<string, readonly number[]>

/** Waits until ClickHouse has every block that the topics hold now, except those of a group that is still open. */
export async function loadedAll(installation: Installation, roles: readonly BlockRole[]): Promise<void> {
  const newest = await newestBlocks(installation, roles)
  let loaded: BlockNumbers = new Map()
  await until(
    `all blocks to be loaded: ${inWords(newest)}`,
    LOADED_MS,
    async () => {
      loaded = await loadedBlocks(installation, newest.keys(), installation.database)
      return reaches(loaded, newest)
    },
    () => inWords(loaded),
  )
}

/** Whether all of `goal` is loaded. */
export function reaches(loaded: BlockNumbers, goal: BlockNumbers): boolean {
  return [...goal].every(([topic, seqs]) =>
    seqs.every((seq, partition) => (loaded.get(topic)?.[partition] ?? 0) >= seq),
  )
}

/** The number of them together. */
export function countOf(blocks: BlockNumbers): number {
  return [...blocks.values()].flat().reduce((sum, seq) => sum + seq, 0)
}

/** The highest number of each topic's blocks that the database has. */
export async function loadedBlocks(
  installation: Installation,
  topics: Iterable<string>,
  database: string,
): Promise<BlockNumbers> {
  const rows = await installation.clickhouse.rows<{ topic: string; partition: number; seq: string }>(
    `SELECT src_topic AS topic, src_partition AS partition, max(src_seq) AS seq FROM ${database}.watermarks
       GROUP BY topic, partition`,
  )
  const seqOf = (topic: string, partition: number): number =>
    Number(rows.find((row) => row.topic === topic && row.partition === partition)?.seq ?? 0)
  const partitions = Array.from({ length: installation.partitions }, (_, partition) => partition)
  return new Map([...topics].map((topic) => [topic, partitions.map((partition) => seqOf(topic, partition))]))
}

/** The newest blocks that end a group, by topic: an open group cannot be loaded. */
export async function newestBlocks(
  installation: Installation,
  roles: readonly BlockRole[],
): Promise<BlockNumbers> {
  const topics = roles.map((role) => installation.topics[role])
  const seqs = topics.map(async (topic) => [topic, await newestOf(installation, topic)] as const)
  return new Map(await Promise.all(seqs))
}

async function newestOf(installation: Installation, topic: string): Promise<number[]> {
  const ranges = await readRanges({ ...installation.kafka, topic })
  return await Promise.all(
    Array.from({ length: installation.partitions }, async (_, partition) => {
      const { start = 0n, end = 0n } = ranges.get(partition) ?? {}
      for (let tail = TAIL; ; tail *= 4n) {
        const from = end - tail > start ? end - tail : start
        let newest = 0
        for await (const records of readPartition({
          ...installation.kafka,
          topic,
          partition,
          from,
          to: end,
        })) {
          for (const { headers } of records) {
            const isEnd = headers[BLOCK_HEADER.groupEnds]?.toString() === '1'
            if (isEnd) newest = Number(headers[BLOCK_HEADER.seq]?.toString())
          }
        }
        if (newest > 0 || from === start) return newest
      }
    }),
  )
}

function inWords(blocks: BlockNumbers): string {
  return [...blocks].map(([topic, seqs]) => `${topic} ${seqs.join('/')}`).join(', ')
}
