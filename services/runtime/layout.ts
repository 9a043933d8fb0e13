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

/** What another version handed on, and the partitions of this one began with. */
export interface Begin {
  readonly usageWatermarkMs: number
  readonly accountsNowMs: number
}

/** The version in force, those that ended before it (oldest first), and whether it is about to end. */
export interface LayoutInForce extends TopicVersion {
  /** Name of access.keys, which growth leaves unchanged. */
  readonly keysPartitions: number
  readonly before: readonly (TopicVersion & { readonly ended: EndedVersion })[]
  readonly begin: Begin | null
  /** Not null while the version is drained for one with more partitions. */
  readonly growing: Layout['growing']
}

/** The layout in a record, with the names of this installation's topics. */
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

/** The layout of an installation that was never grown and for which none was written. */
export function firstLayout(partitions: number): Layout {
  return { version: 1, partitions, keys_partitions: partitions, before: [], growing: null }
}

/**
 * The layout of the installation, for a command. Exit 69 where Kafka is away, 78 where `migrate` has not written a layout.
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

/** True where a broker reports that it has no such topic. */
export function isNoTopic(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('type' in error && error.type === 'UNKNOWN_TOPIC_OR_PARTITION') || isNoTopic(error.cause)
}

/** No layout was written yet. */
export class LayoutMissing extends ExitError {}

function noLayout(topic: string): LayoutMissing {
  return new LayoutMissing(
    EXIT.configuration,
    `${topic} does not say how many partitions this installation has: it is new, or of a version before. Run npm run migrate.`,
  )
}
