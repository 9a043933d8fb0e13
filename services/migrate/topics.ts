import { ensureTopics, isUnreachable, withAdmin } from '../../pipelines/kafka/kafkajs/admin.ts'
import { differencesOf, findTopics, setTopic, widerReplicas } from '../../pipelines/kafka/kafkajs/topics.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { topicsOf } from '../../schemas/rights.ts'
import { minInsyncReplicasOf, TOPIC_ROLES, topicNames, topicSpecs } from '../../schemas/topics.ts'
import type { TopicDifference, TopicPolicy, TopicRole } from '../../schemas/topics.ts'
import type { Config } from '../runtime/config.ts'
import { kafkaOf } from '../runtime/kafka.ts'
import { EXIT, ExitError, describeError } from '../runtime/exit.ts'
import type { LayoutInForce } from '../runtime/layout.ts'
import type { ServiceName } from '../../schemas/services.ts'

const CLIENT_ID = 'hivemeter-migrate'

/** Which topics must exist, and whether their version is being drained. */
export type TopicsWanted = Pick<LayoutInForce, 'version' | 'partitions' | 'keysPartitions' | 'growing'>

/** What `mendTopics` did. */
export interface MendedTopics {
  readonly created: readonly string[]
  readonly altered: readonly string[]
  /** What still differs, since no setting can change it in Kafka. */
  readonly left: readonly TopicDifference[]
}

/** What these settings require of every topic. */
function topicPolicyOf(config: Config): TopicPolicy {
  const { replicationFactor, minInsyncReplicas, topicRetention } = config
  return {
    replicationFactor,
    minInsyncReplicas: minInsyncReplicas === 0 ? minInsyncReplicasOf(replicationFactor) : minInsyncReplicas,
    retention: topicRetention,
  }
}

/**
 * Makes the missing topics of a version and gives every topic the settings that the guarantee needs. Exit 69 where Kafka
 * is away, 78 where one has fewer partitions.
 */
export async function mendTopics(config: Config, layout: TopicsWanted): Promise<MendedTopics> {
  const policy = topicPolicyOf(config)
  const specs = topicSpecs(config.topicPrefix, layout.version)
  return await reach(config, async () => {
    const { created } = await ensureTopics({
      ...kafkaOf(config, CLIENT_ID, silentLogger),
      ...policy,
      prefix: config.topicPrefix,
      version: layout.version,
      partitions: layout.partitions,
      keysPartitions: layout.keysPartitions,
    })
    const differences = await findDifferences(config, layout)
    const altered = [...new Set(differences.filter(({ mendable }) => mendable).map(({ topic }) => topic))]
    await withAdmin(kafkaOf(config, CLIENT_ID, silentLogger), async (admin) => {
      for (const topic of altered) {
        const spec = specs.get(topic)
        if (spec !== undefined) await setTopic(admin, topic, spec, policy)
      }
    })
    return { created, altered, left: differences.filter(({ mendable }) => !mendable) }
  })
}

/**
 * How topics of a version (all of them unless given) differ from what the guarantee needs. Exit 69 where Kafka is away.
 * In a version that is drained, the topics that take usage and requests were closed on purpose, and must not be opened.
 */
export async function findDifferences(
  config: Config,
  layout: Pick<TopicsWanted, 'version' | 'growing'>,
  roles: readonly TopicRole[] = TOPIC_ROLES,
): Promise<readonly TopicDifference[]> {
  const names = topicNames(config.topicPrefix, layout.version)
  const wanted = new Set(roles.map((role) => names[role]))
  const specs = new Map(
    [...topicSpecs(config.topicPrefix, layout.version)].filter(([name]) => wanted.has(name)),
  )
  const differences = await reach(config, () =>
    withAdmin(kafkaOf(config, CLIENT_ID, silentLogger), (admin) =>
      differencesOf(admin, specs, topicPolicyOf(config)),
    ),
  )
  if (layout.growing === null) return differences
  return differences.filter(({ topic }) => topic !== names.usageMetered && topic !== names.accountInbox)
}

/** Topics that do not exist yet. */
export class TopicsMissing extends ExitError {}

/**
 * For the start of a service, checks the topics that it uses: throws an ExitError (78) that names each difference where
 * one does not hold what the guarantee needs, or `TopicsMissing` where the only fault is that some do not exist.
 */
export async function checkTopics(config: Config, service: ServiceName, layout: TopicsWanted): Promise<void> {
  const differences = await findDifferences(config, layout, topicsOf(service))
  if (differences.length === 0) return
  const message = [
    ...differences.map(differenceLine),
    differences.some(({ mendable }) => mendable)
      ? 'Run npm run migrate: it makes what is missing and sets what can be set.'
      : 'Run npm run migrate -- --check: it prints the command of Kafka that mends this.',
  ].join('\n')
  if (differences.every(({ setting }) => setting === 'topic')) {
    throw new TopicsMissing(EXIT.configuration, message)
  }
  throw new ExitError(EXIT.configuration, message)
}

/** A difference in words. */
export function differenceLine({ topic, setting, found, wanted }: TopicDifference): string {
  if (setting === 'topic') return `Topic ${topic} does not exist.`
  return `Topic ${topic} has ${setting} ${found}; the guarantee needs ${wanted}.`
}

/** What to do about differences that no setting can remove: Kafka's own command, and the file that it takes. */
export async function byHand(config: Config, left: readonly TopicDifference[]): Promise<string[]> {
  if (left.length === 0) return []
  const { replicationFactor, kafkaBrokers } = config
  const topics = [...new Set(left.map(({ topic }) => topic))]
  const wider = await reach(config, () =>
    withAdmin(kafkaOf(config, CLIENT_ID, silentLogger), async (admin) => {
      const partitions = []
      for (const topic of topics) {
        const replicas = await widerReplicas(admin, topic, replicationFactor)
        if (replicas === null) return null
        for (const [partition, brokers] of replicas) partitions.push({ topic, partition, replicas: brokers })
      }
      return partitions
    }),
  )
  if (wider === null) {
    return [
      `The cluster has fewer brokers than HIVEMETER_REPLICATION_FACTOR asks for (${replicationFactor}). Start more, or lower it.`,
    ]
  }
  return [
    'Put the next line into replicas.json, then run',
    `kafka-reassign-partitions.sh --bootstrap-server ${kafkaBrokers.join(',')} --reassignment-json-file replicas.json --execute`,
    JSON.stringify({ version: 1, partitions: wider }),
  ]
}

/** The number of partitions of each existing topic of a version, by its name. Exit 69 where Kafka is away. */
export async function partitionCounts(config: Config, version: number): Promise<ReadonlyMap<string, number>> {
  const names = [...topicSpecs(config.topicPrefix, version).keys()]
  const found = await reach(config, () =>
    withAdmin(kafkaOf(config, CLIENT_ID, silentLogger), (admin) => findTopics(admin, names)),
  )
  return new Map([...found].map(([name, { partitions }]) => [name, partitions]))
}

/** Runs `work`; where Kafka cannot be reached this is exit 69 with its address. */
export async function reach<T>(config: Config, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'PARTITION_COUNT') {
      throw new ExitError(EXIT.configuration, error.message, { cause: error })
    }
    if (!isUnreachable(error)) throw error
    throw new ExitError(
      EXIT.unreachable,
      `Kafka at ${config.kafkaBrokers.join(', ')} cannot be reached: ${describeError(error)}. Start it, or set HIVEMETER_KAFKA_BROKERS.`,
      { cause: error },
    )
  }
}
