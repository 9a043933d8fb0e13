import kafkajs from 'kafkajs'
import type { Admin, ITopicMetadata } from 'kafkajs'
import { topicDifferences, topicSettings } from '../../../schemas/topics.ts'
import type { FoundTopic, TopicDifference, TopicPolicy, TopicSpec } from '../../../schemas/topics.ts'

const { ConfigResourceTypes } = kafkajs

/** DYNAMIC_TOPIC_CONFIG of Kafka's protocol: the setting was set on the topic itself. */
const GIVEN_TO_TOPIC = 1

/** Partition → the brokers that hold a copy, with the preferred leader first. */
export type Replicas = ReadonlyMap<number, readonly number[]>

/** The topics of these names as the brokers have them; one that does not exist is left out. */
export async function findTopics(
  admin: Admin,
  names: readonly string[],
): Promise<ReadonlyMap<string, FoundTopic>> {
  const there = await metadataOf(admin, names)
  if (there.length === 0) return new Map()
  const settings = await describe(
    admin,
    there.map(({ name }) => name),
  )
  return new Map(
    there.map(({ name, partitions }) => [
      name,
      {
        partitions: partitions.length,
        replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
        settings: new Map(settings.get(name)?.map((entry) => [entry.configName, entry.configValue])),
      },
    ]),
  )
}

/** How topics, by their names, differ from the required ones; see `topicDifferences`. */
export async function differencesOf(
  admin: Admin,
  specs: ReadonlyMap<string, TopicSpec>,
  policy: TopicPolicy,
): Promise<readonly TopicDifference[]> {
  const found = await findTopics(admin, [...specs.keys()])
  return [...specs].flatMap(([topic, spec]) => topicDifferences(topic, spec, policy, found.get(topic)))
}

/**
 * Sets every required setting of a topic, and keeps all others that were set on it: Kafka's AlterConfigs, the request that
 * kafkajs supports, resets every setting that is not in it.
 */
export async function setTopic(
  admin: Admin,
  name: string,
  spec: TopicSpec,
  policy: TopicPolicy,
): Promise<void> {
  await giveSettings(
    admin,
    name,
    topicSettings(spec, policy).map((setting) => [setting.name, setting.value]),
  )
}

/** Sets these settings of a topic besides those that were set on it. */
export async function giveSettings(
  admin: Admin,
  name: string,
  settings: readonly (readonly [name: string, value: string])[],
): Promise<void> {
  const found = (await describe(admin, [name])).get(name) ?? []
  const given = found.filter(({ configSource }) => configSource === GIVEN_TO_TOPIC)
  const entries = new Map([
    ...given.map((entry) => [entry.configName, entry.configValue] as const),
    ...settings,
  ])
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: ConfigResourceTypes.TOPIC,
        name,
        configEntries: [...entries].map(([key, value]) => ({ name: key, value })),
      },
    ],
  })
}

/**
 * Where copies of each partition would have to be, so that there are `replicationFactor` of them; null where there are too
 * few brokers.
 */
export async function widerReplicas(
  admin: Admin,
  name: string,
  replicationFactor: number,
): Promise<Replicas | null> {
  const { brokers } = await admin.describeCluster()
  const nodes = brokers.map(({ nodeId }) => nodeId).toSorted((left, right) => left - right)
  if (nodes.length < replicationFactor) return null
  const [topic] = await metadataOf(admin, [name])
  return new Map(
    topic?.partitions.map(({ partitionId, replicas }) => {
      // The others follow in turns, so that no broker gets all new copies.
      const others = nodes.filter((node) => !replicas.includes(node))
      const turned = others.map((_, at) => others[(at + partitionId) % others.length] ?? 0)
      return [partitionId, [...replicas, ...turned].slice(0, Math.max(replicas.length, replicationFactor))]
    }),
  )
}

async function metadataOf(admin: Admin, names: readonly string[]): Promise<ITopicMetadata[]> {
  // Metadata of all topics: a request that names one which does not exist fails as a whole.
  const { topics } = await admin.fetchTopicMetadata()
  return topics.filter(({ name }) => names.includes(name))
}

interface ConfigEntry {
  readonly configName: string
  readonly configValue: string
  readonly configSource: number
}

async function describe(
  admin: Admin,
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly ConfigEntry[]>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({ type: ConfigResourceTypes.TOPIC, name })),
  })
  return new Map(resources.map(({ resourceName, configEntries }) => [resourceName, configEntries]))
}
