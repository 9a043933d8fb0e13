import kafkajs from 'kafkajs'
import type { Admin } from 'kafkajs'
import type { LogRange } from '../../log/records.ts'
import { minInsyncReplicasOf, TOPICS, topicSettings, topicSpecs } from '../../../schemas/topics.ts'
import type { TopicPolicy, TopicSpec } from '../../../schemas/topics.ts'
import type { Clock } from '../../clock.ts'
import { createKafka } from './client.ts'
import type { KafkaOptions } from './client.ts'
import { SECOND_MS } from '../../../schemas/units.ts'

/** How long new topics may take to have leaders, and how often that is checked. */
const LEADERS_TIMEOUT_MS = 15_000
const LEADERS_STEP_MS = 50

/** The answers of a broker about a topic that the controller has just created. */
const NOT_YET: ReadonlySet<string> = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'])

export interface EnsureTopicsOptions extends KafkaOptions {
  readonly prefix: string
  /** Version 1 where it is not given. */
  readonly version?: number
  readonly partitions: number
  /** Partitions of access.keys; as many as the other topics have where it is not given. */
  readonly keysPartitions?: number
  readonly replicationFactor: number
  /** Logs kept by time (a cluster) or by size (a laptop that may sleep for weeks). */
  readonly retention: 'time' | 'size'
  /** Where it is not given, it follows from the replication factor. */
  readonly minInsyncReplicas?: number
}

/**
 * A topic exists with fewer partitions: some nodes would have no place in it, and if partitions were added, nodes would
 * lose their order.
 */
class PartitionCountError extends Error {
  readonly code = 'PARTITION_COUNT'
}

/**
 * Creates the topics that are missing. Throws `PartitionCountError` where one exists with fewer partitions. More
 * partitions, which someone added by hand, are left alone and are not used.
 */
export async function ensureTopics(
  options: EnsureTopicsOptions,
): Promise<{ created: string[]; existing: string[] }> {
  return await withAdmin(options, async (admin) => {
    const present = new Set(await admin.listTopics())
    const specs = topicSpecs(options.prefix, options.version)
    const existing = [...specs.keys()].filter((name) => present.has(name))
    const missing = [...specs].filter(([name]) => !present.has(name))
    const policy: TopicPolicy = {
      minInsyncReplicas: minInsyncReplicasOf(options.replicationFactor),
      ...options,
    }
    const countOf = ({ name, partitions }: TopicSpec): number => {
      const isKeys = name === TOPICS.accessKeys.name
      return partitions ?? (isKeys ? (options.keysPartitions ?? options.partitions) : options.partitions)
    }
    await checkPartitions(admin, existing, (name) => countOf(specs.get(name) as TopicSpec))
    if (missing.length > 0) {
      // The wait of kafkajs fails at a broker that has not heard of the topic yet, as if it never would.
      await admin.createTopics({
        waitForLeaders: false,
        topics: missing.map(([topic, spec]) => ({
          topic,
          numPartitions: countOf(spec),
          replicationFactor: options.replicationFactor,
          configEntries: topicSettings(spec, policy).map(({ name, value }) => ({ name, value })),
        })),
      })
    }
    const created = missing.map(([name]) => name)
    await awaitLeaders(admin, created, options.clock)
    return { created, existing }
  })
}

/** Waits until every partition has a leader, according to the broker that answers. Throws after a bounded time. */
async function awaitLeaders(admin: Admin, topics: string[], clock: Clock): Promise<void> {
  if (topics.length === 0) return
  const deadlineMs = clock.monotonicMs() + LEADERS_TIMEOUT_MS
  for (;;) {
    const missing = await withoutLeader(admin, topics)
    if (missing.length === 0) return
    if (clock.monotonicMs() >= deadlineMs) {
      throw new Error(
        `${missing.join(', ')} have no leader after ${LEADERS_TIMEOUT_MS / SECOND_MS} s. See whether all brokers run, then run migrate again.`,
      )
    }
    await clock.delay(LEADERS_STEP_MS)
  }
}

async function withoutLeader(admin: Admin, topics: string[]): Promise<string[]> {
  try {
    const { topics: found } = await admin.fetchTopicMetadata({ topics })
    const led = found.filter(({ partitions }) => partitions.every(({ leader }) => leader >= 0))
    return topics.filter((topic) => !led.some(({ name }) => name === topic))
  } catch (error) {
    if (NOT_YET.has((error as { type?: string }).type ?? '')) return topics
    throw error
  }
}

async function checkPartitions(
  admin: Admin,
  existing: string[],
  countOf: (name: string) => number,
): Promise<void> {
  if (existing.length === 0) return
  const { topics } = await admin.fetchTopicMetadata({ topics: existing })
  for (const { name, partitions: found } of topics) {
    const partitions = countOf(name)
    if (found.length >= partitions) continue
    throw new PartitionCountError(
      `Topic ${name} has ${found.length} partitions, the settings say ${partitions}. Set HIVEMETER_PARTITIONS to what the ` +
        `topics have; npm run migrate -- --grow ${partitions} then gives the installation more.`,
    )
  }
}

/** The range of each partition of a topic, by partition. */
export async function logRanges(admin: Admin, topic: string): Promise<ReadonlyMap<number, LogRange>> {
  // kafkajs lists offsets at isolation read_committed: `high` is the last stable offset.
  const offsets = await admin.fetchTopicOffsets(topic)
  return new Map(
    offsets.map(({ partition, low, high }) => [partition, { start: BigInt(low), end: BigInt(high) }]),
  )
}

/** Deletes the records of one partition before `offset`. */
export async function deleteRecordsBefore(
  admin: Admin,
  topic: string,
  partition: number,
  offset: bigint,
): Promise<void> {
  await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: offset.toString() }] })
}

/** Tries of an admin request after the first one. */
const ADMIN_RETRIES_MAX = 5

/** An admin client, not connected yet. */
export function openAdmin(options: KafkaOptions): Admin {
  return createKafka(options).admin({ retry: { retries: ADMIN_RETRIES_MAX } })
}

/** Runs `work` with a connected admin client and disconnects it. */
export async function withAdmin<T>(options: KafkaOptions, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = openAdmin(options)
  try {
    await admin.connect()
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

/** True where the error says that no broker could be reached, or that none could answer at this moment. */
export function isUnreachable(error: unknown): boolean {
  return (
    error instanceof kafkajs.KafkaJSConnectionError ||
    error instanceof kafkajs.KafkaJSNumberOfRetriesExceeded ||
    (error instanceof kafkajs.KafkaJSProtocolError && error.retriable) ||
    (error instanceof kafkajs.KafkaJSError && /connect|broker/i.test(error.name))
  )
}
