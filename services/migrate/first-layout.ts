import { writeLayout } from '../../pipelines/kafka/kafkajs/layout.ts'
import { readLayout } from '../../pipelines/kafka/kafkajs/layout.ts'
import { readRanges } from '../../pipelines/kafka/read.ts'
import { TransactionalWriter } from '../../pipelines/kafka/transaction.ts'
import { noFailpoint } from '../../pipelines/failpoints.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import type { Layout } from '../../schemas/records.ts'
import { topicNames, TOPICS, UNVERSIONED } from '../../schemas/topics.ts'
import type { TopicRole } from '../../schemas/topics.ts'
import type { Config } from '../runtime/config.ts'
import { EXIT, ExitError } from '../runtime/exit.ts'
import { installationPlace } from '../runtime/installation.ts'
import { kafkaOf } from '../runtime/kafka.ts'
import { firstLayout } from '../runtime/layout.ts'
import { partitionCounts } from './topics.ts'

const CLIENT_ID = 'hivemeter-migrate'

/** What the topics show about an installation without a layout. */
export interface FoundPartitions {
  /** The number of partitions of every existing topic that is keyed by node, by its name. */
  readonly counts: ReadonlyMap<string, number>
  /** One past the last partition in which a task ever wrote. */
  readonly used: number
}

/**
 * How many partitions an installation without a layout has: the number in the settings, provided that no task has worked
 * in a partition beyond it and every topic has at least that number. Further partitions that were added to a topic stay
 * empty. A text gives the reason why not.
 */
export function firstPartitions(wanted: number, { counts, used }: FoundPartitions): number | string {
  const [fewest] = [...counts].toSorted(([, left], [, right]) => left - right)
  if (fewest === undefined) return wanted
  const [name, count] = fewest
  if (wanted <= count && wanted >= used) return wanted
  const has =
    wanted > count ? `Topic ${name} has ${count} partitions` : `Tasks have worked in ${used} partitions`
  return (
    `${has}, the settings say ${wanted}. Set HIVEMETER_PARTITIONS to ${used === 0 ? count : used}; ` +
    `npm run migrate -- --grow ${Math.max(wanted, used + 1)} then gives the installation more while it runs.`
  )
}

/** The layout that Kafka holds; null where none was written, or its topic does not exist. */
export async function findLayout(config: Config): Promise<Layout | null> {
  const place = installationPlace(config.topicPrefix)
  if (!(await partitionCounts(config, 1)).has(place.topic)) return null
  return await readLayout({ ...kafkaOf(config, CLIENT_ID, silentLogger), ...place })
}

/** The layout to write for an installation that has none. Exit 78 where the settings give another number. */
export async function layoutToWrite(config: Config): Promise<Layout> {
  const topics = topicNames(config.topicPrefix)
  const all = await partitionCounts(config, 1)
  const keyed = (Object.keys(TOPICS) as TopicRole[]).filter((role) => !UNVERSIONED.has(role))
  const counts = new Map(
    keyed.flatMap((role) => {
      const count = all.get(topics[role])
      return count === undefined ? [] : [[topics[role], count] as const]
    }),
  )
  let used = 0
  for (const topic of [topics.usageIds, topics.nodeState]) {
    if (!counts.has(topic)) continue
    const ranges = await readRanges({ ...kafkaOf(config, CLIENT_ID, silentLogger), topic })
    for (const [partition, { end }] of ranges) if (end > 0n) used = Math.max(used, partition + 1)
  }
  const partitions = firstPartitions(config.partitions, { counts, used })
  if (typeof partitions === 'string') throw new ExitError(EXIT.configuration, partitions)
  return firstLayout(partitions)
}

/** A writer of layouts and of what growth moves: a later run fences out an earlier one. */
export function growthWriter(config: Config): TransactionalWriter {
  return new TransactionalWriter({
    ...kafkaOf(config, CLIENT_ID, silentLogger),
    transactionalId: `${config.topicPrefix}growth`,
    failpoint: noFailpoint,
  })
}

/** Writes the first layout of an installation. */
export async function writeFirstLayout(config: Config, layout: Layout): Promise<void> {
  const writer = growthWriter(config)
  try {
    await writeLayout(writer, topicNames(config.topicPrefix).installation, layout)
  } finally {
    await writer.close()
  }
}
