import { systemClock } from '../../pipelines/clock.ts'
import { ensureTopics } from '../../pipelines/kafka/admin.ts'
import { readRanges } from '../../pipelines/kafka/read.ts'
import { silentLogger } from '../../pipelines/logger.ts'

let made = 0

/** Makes all topics under a prefix that no other turn of any run has, and returns it. */
export async function newTopics(brokers: readonly string[], partitions: number): Promise<string> {
  const prefix = `bench-${process.pid}-${Date.now().toString(36)}-${++made}-`
  await ensureTopics({
    clock: systemClock,
    brokers,
    clientId: 'bench',
    logger: silentLogger,
    prefix,
    partitions,
    replicationFactor: 1,
    retention: 'size',
  })
  return prefix
}

/** Where each partition of a topic ends now: what a turn must reach. */
export async function endsOf(brokers: readonly string[], topic: string): Promise<number[]> {
  const ranges = await readRanges({ brokers, clientId: 'bench', logger: silentLogger, topic })
  return Array.from({ length: ranges.size }, (_, partition) => Number(ranges.get(partition)?.end ?? 0n))
}
