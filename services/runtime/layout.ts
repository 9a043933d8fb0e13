import { isUnreachable } from '../../pipelines/kafka/kafkajs/admin.ts'
import { readLayout } from '../../pipelines/kafka/kafkajs/layout.ts'
import type { Logger } from '../../pipelines/logger.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import type { EndedVersion, Layout } from '../../schemas/records.ts'
import { topicNames } from '../../schemas/topics.ts'
import type { TopicRole } from '../../schemas/topics.ts'
import type { Config } from './config.ts'
import { EXIT, ExitError, describeError } from './exit.ts'
import { installationPlace } from './installation.ts'
import { kafkaOf } from './kafka.ts'

/** One version of the topics: names and partitions. */
export interface TopicVersion {
  readonly version: number
  readonly partitions: number
  readonly topics: Readonly<Record<TopicRole, string>>
}

/** What the partitions of a version began with that another one handed on. */
export interface Begin {
  readonly usageWatermarkMs: number
  readonly accountsNowMs: number
}

/** The version in force, those that ended before it (oldest first), and whether it ends. */
export interface LayoutInForce extends TopicVersion {
  /** Of access.keys, which growth leaves as it is. */
  readonly keysPartitions: number
  readonly before: readonly (TopicVersion & { readonly ended: EndedVersion })[]
  readonly begin: Begin | null
  /** Not null while the version is drained for one of more partitions. */
  readonly growing: Layout['growing']
}

/** The layout of a record, with the names of this installation's topics. */
export function layoutInForce(config: Pick<Config, 'topicPrefix'>, layout: Layout): LayoutInForce {
  const { version, partitions, keys_partitions, growing } = layout
  const ended = layout.before.at(-1)
  return {
    version,
    partitions,
    topics: topicNames(config.topicPrefix, version),
    keysPartitions: keys_partitions,
    before: layout.before.map((one) => ({
      version: one.version,
      partitions: one.partitions,
      topics: topicNames(config.topicPrefix, one.version),
      ended: one,
    })),
    begin:
      ended === undefined
        ? null
        : { usageWatermarkMs: ended.usage_watermark, accountsNowMs: ended.accounts_now },
    growing,
  }
}

/** What an installation has that nobody has grown, and that nobody has written a layout for. */
export function firstLayout(partitions: number): Layout {
  return { version: 1, partitions, keys_partitions: partitions, before: [], growing: null }
}

/**
 * The layout of the installation, for a command. Exit 69 where Kafka is away, 78 where `migrate` has not written one.
 */
export async function layoutOf(
  config: Config,
  clientId: string,
  logger: Logger = silentLogger,
): Promise<LayoutInForce> {
  const place = installationPlace(config.topicPrefix)
  let layout: Layout | null
  try {
    layout = await readLayout({ ...kafkaOf(config, clientId, logger), ...place })
  } catch (error) {
    if (isNoTopic(error)) throw noLayout(place.topic)
    if (!isUnreachable(error)) throw error
    throw new ExitError(
      EXIT.unreachable,
      `Kafka at ${config.kafkaBrokers.join(', ')} cannot be reached: ${describeError(error)}. Start it, or set HIVEMETER_KAFKA_BROKERS.`,
      { cause: error },
    )
  }
  if (layout === null) throw noLayout(place.topic)
  return layoutInForce(config, layout)
}

/** True where a broker says that it has no such topic. */
export function isNoTopic(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('type' in error && error.type === 'UNKNOWN_TOPIC_OR_PARTITION') || isNoTopic(error.cause)
}

/** Nobody has written a layout yet. */
export class LayoutMissing extends ExitError {}

function noLayout(topic: string): LayoutMissing {
  return new LayoutMissing(
    EXIT.configuration,
    `${topic} does not say how many partitions this installation has: it is new, or of a version before. Run npm run migrate.`,
  )
}
