/**
 * Every topic of Hivemeter, in the only place that defines them (design: "Topics").
 *
 * All but some are keyed by `node_id`, those of the fleet by `provider_id`; they have the same number of partitions and Kafka's own default partitioner, so partition
 * p of each holds the same nodes. All have LogAppendTime: receipt time comes from one clock, and a replay sees the same
 * time.
 */

import { DAY_MS, GIB, MIB } from './units.ts'

/** The properties with which a topic is created. `retentionMs` -1 means: never deleted by time. */
export interface TopicSpec {
  readonly name: string
  /** `log`: records that a task decides; `state`: what a task or the installation knows; `blocks`: rows for ClickHouse. */
  readonly kind: 'log' | 'state' | 'blocks'
  readonly cleanup: 'delete' | 'compact'
  readonly retentionMs: number
  /** Largest record batch in bytes; block topics take rows by the megabyte. */
  readonly messageBytesMax: number
  /** Where the broker is to compress what it stores: producers of Hivemeter send their batches as they are. */
  readonly compression?: 'zstd'
  /** For a topic that has this many whatever the installation's number is: it holds nothing that belongs to a node. */
  readonly partitions?: number
}

type OfKind<Kind> = Omit<TopicSpec, 'name' | 'kind'> & { readonly kind: Kind }

const topic = <Kind extends TopicSpec['kind']>(
  name: string,
  kept: OfKind<Kind>,
): OfKind<Kind> & Pick<TopicSpec, 'name'> => ({ name, ...kept })

/** The topics by their purpose. A grown partition count means new versions `….v2` of all that are keyed by node. */
export const TOPICS = {
  /** Arrays of usage events; ticks. */
  usageMetered: topic('usage.metered', {
    kind: 'log',
    cleanup: 'delete',
    retentionMs: 7 * DAY_MS,
    messageBytesMax: 2 * MIB,
  }),
  /** Ids seen, task and fence records of the aggregator. The task deletes what it has forgotten. */
  usageIds: topic('usage.ids', {
    kind: 'state',
    cleanup: 'delete',
    retentionMs: -1,
    messageBytesMax: 4 * MIB,
  }),
  /** Rows for ClickHouse, from the aggregator. */
  usageBlocks: topic('usage.blocks', {
    kind: 'blocks',
    cleanup: 'delete',
    retentionMs: 30 * DAY_MS,
    messageBytesMax: 4 * MIB,
  }),
  /** Costs and sums in event order, configuration, ticks: the settler's one input. */
  accountInbox: topic('account.inbox', {
    kind: 'log',
    cleanup: 'delete',
    retentionMs: 35 * DAY_MS,
    messageBytesMax: 2 * MIB,
  }),
  /** Accounts, task and fence records of the settler. */
  nodeState: topic('node.state', {
    kind: 'state',
    cleanup: 'compact',
    retentionMs: -1,
    messageBytesMax: 2 * MIB,
  }),
  /** Keys of clients: who may do what. */
  accessKeys: topic('access.keys', {
    kind: 'state',
    cleanup: 'compact',
    retentionMs: -1,
    messageBytesMax: 2 * MIB,
  }),
  /** Rows for ClickHouse, from the settler. */
  settlementBlocks: topic('settlement.blocks', {
    kind: 'blocks',
    cleanup: 'delete',
    retentionMs: 30 * DAY_MS,
    messageBytesMax: 4 * MIB,
  }),
  /** What the nodes of hosting fleets send, each batch and heartbeat a record; ticks. Keyed by provider, like all of the fleet. */
  fleetInbox: topic('fleet.inbox', {
    kind: 'log',
    cleanup: 'delete',
    retentionMs: 7 * DAY_MS,
    messageBytesMax: 2 * MIB,
    // The same numbers of the same machines again and again.
    compression: 'zstd',
  }),
  /** Nodes of fleets, task and fence records of the fleet's tasks. */
  fleetState: topic('fleet.state', {
    kind: 'state',
    cleanup: 'compact',
    retentionMs: -1,
    messageBytesMax: 2 * MIB,
  }),
  /** Rows for ClickHouse, from the fleet's tasks. */
  fleetBlocks: topic('fleet.blocks', {
    kind: 'blocks',
    cleanup: 'delete',
    retentionMs: 7 * DAY_MS,
    messageBytesMax: 4 * MIB,
  }),
  /** The installation's table of models: every version is a record that never changes. */
  models: topic('hivemeter.models', {
    kind: 'state',
    cleanup: 'compact',
    retentionMs: -1,
    messageBytesMax: 2 * MIB,
    partitions: 1,
  }),
  /** The identity of the installation: its id, which ClickHouse holds too. */
  installation: topic('hivemeter.installation', {
    kind: 'state',
    cleanup: 'compact',
    retentionMs: -1,
    messageBytesMax: 2 * MIB,
    partitions: 1,
  }),
} as const satisfies Record<string, TopicSpec>

/** A topic by its role in the code. */
export type TopicRole = keyof typeof TOPICS

export const TOPIC_ROLES = Object.keys(TOPICS) as readonly TopicRole[]

/** The topics whose blocks fill ClickHouse's tables: each table names its topic (`TableSpec.filledBy`). */
export type BlockRole = {
  [Role in TopicRole]: (typeof TOPICS)[Role]['kind'] extends 'blocks' ? Role : never
}[TopicRole]

export const BLOCK_ROLES = TOPIC_ROLES.filter((role): role is BlockRole => TOPICS[role].kind === 'blocks')

/** The topics of blocks among an installation's own, by their names. */
export function blockTopics(topics: Readonly<Record<BlockRole, string>>): readonly string[] {
  return BLOCK_ROLES.map((role) => topics[role])
}

/** Bytes a partition keeps where logs are kept by size and not by time (a laptop may sleep for weeks). */
export const LOCAL_RETENTION_BYTES = GIB

/**
 * Bytes of a segment of compacted topics. The broker never compacts the segment that it writes to, so a restore reads that
 * much of records that are superseded: with 64 MiB it was all that a settler had written in 45 minutes, and a restore took
 * 6.4 s.
 */
export const COMPACTED_SEGMENT_BYTES = 4 * MIB

/** How a setting that was found may differ from the required one. */
export type SettingRule =
  /** Not at all. */
  | 'exactly'
  /** Upwards: a larger value only promises more. */
  | 'at_least'
  /** Upwards, and -1 is the largest value: kept for ever. */
  | 'kept_at_least'
  /** In any way: it is set on new topics and never checked, since no promise depends on it. */
  | 'freely'

/** One setting of a topic, as Kafka names and spells it. */
export interface TopicSetting {
  readonly name: string
  readonly value: string
  readonly rule: SettingRule
}

/** What an installation decides for all of its topics. */
export interface TopicPolicy {
  readonly replicationFactor: number
  /** Copies that must hold a record before it is acknowledged. */
  readonly minInsyncReplicas: number
  /** Logs kept by time (a cluster) or by size (a laptop that may sleep for weeks). */
  readonly retention: 'time' | 'size'
}

/**
 * Copies that must hold a record before it is acknowledged, where it is not configured: 2 of three, so that one broker may
 * be lost with everything that it acknowledged and the others still accept records; 1 where there is no third.
 */
export function minInsyncReplicasOf(replicationFactor: number): number {
  return replicationFactor >= 3 ? 2 : 1
}

/**
 * Every setting that the guarantee needs, set on the topic itself: a broker's default for topics that do not set it (a
 * retention by size besides ours by time, for example) must never be in force.
 */
export function topicSettings(spec: TopicSpec, policy: TopicPolicy): readonly TopicSetting[] {
  const setting = (rule: SettingRule, name: string, value: string | number): TopicSetting => ({
    name,
    value: String(value),
    rule,
  })
  return [
    setting('exactly', 'message.timestamp.type', 'LogAppendTime'),
    setting('exactly', 'cleanup.policy', spec.cleanup),
    setting('at_least', 'max.message.bytes', spec.messageBytesMax),
    setting('at_least', 'min.insync.replicas', policy.minInsyncReplicas),
    setting('exactly', 'unclean.leader.election.enable', 'false'),
    ...(spec.compression === undefined ? [] : [setting('freely', 'compression.type', spec.compression)]),
    ...(spec.cleanup === 'compact'
      ? [setting('freely', 'segment.bytes', COMPACTED_SEGMENT_BYTES)]
      : retentionOf(spec, policy.retention).map(([name, value]) => setting('kept_at_least', name, value))),
  ]
}

function retentionOf(spec: TopicSpec, retention: TopicPolicy['retention']): readonly [string, number][] {
  const byTime = spec.retentionMs >= 0 && retention === 'time'
  const bySize = spec.retentionMs >= 0 && retention === 'size'
  return [
    ['retention.ms', byTime ? spec.retentionMs : -1],
    ['retention.bytes', bySize ? LOCAL_RETENTION_BYTES : -1],
  ]
}

/** A topic as the brokers have it. */
export interface FoundTopic {
  readonly partitions: number
  /** Copies of the partition with the fewest copies. */
  readonly replicas: number
  /** What is in force, by Kafka's names. */
  readonly settings: ReadonlyMap<string, string>
}

/** What prevents the guarantee at one topic. */
export interface TopicDifference {
  readonly topic: string
  /** Kafka's name of a setting; `replication factor` and `topic` where it is not a setting. */
  readonly setting: string
  readonly found: string
  readonly wanted: string
  /** True: `migrate` can correct it. */
  readonly mendable: boolean
}

/** How a topic differs from the required one in a way that matters; empty for one that promises as much or more. */
export function topicDifferences(
  topic: string,
  spec: TopicSpec,
  policy: TopicPolicy,
  found: FoundTopic | undefined,
): readonly TopicDifference[] {
  if (found === undefined) {
    return [{ topic, setting: 'topic', found: 'missing', wanted: 'there', mendable: true }]
  }
  const differences: TopicDifference[] = []
  if (found.replicas < policy.replicationFactor) {
    differences.push({
      topic,
      setting: 'replication factor',
      found: String(found.replicas),
      wanted: `at least ${policy.replicationFactor}`,
      mendable: false,
    })
  }
  for (const { name, value, rule } of topicSettings(spec, policy)) {
    const has = found.settings.get(name)
    if (has !== undefined && isEnough(rule, has, value)) continue
    const wanted = rule === 'exactly' || value === '-1' ? value : `at least ${value}`
    differences.push({ topic, setting: name, found: has ?? 'unknown', wanted, mendable: true })
  }
  return differences
}

function isEnough(rule: SettingRule, found: string, wanted: string): boolean {
  if (rule === 'freely' || found === wanted) return true
  if (rule === 'exactly') return false
  if (rule === 'kept_at_least' && Number(found) < 0) return true
  return !(rule === 'kept_at_least' && Number(wanted) < 0) && Number(found) >= Number(wanted)
}

/** Topics that growth leaves unchanged: nothing in them is kept by the partition of a node. */
export const UNVERSIONED: ReadonlySet<TopicRole> = new Set(['accessKeys', 'installation', 'models'])

/**
 * Largest batch that a topic accepts once it is closed: a tick has 86 bytes, an end record 90, a transaction's marker 78.
 * The smallest event has 108, the smallest heartbeat 98.
 */
export const CLOSED_MESSAGE_BYTES = 92

/**
 * The names of the topics of one installation; `prefix` keeps tests and replays apart on one cluster. The first version has
 * the plain names, the second `….v2`.
 */
export function topicNames(prefix: string, version = 1): Record<TopicRole, string> {
  return Object.fromEntries(
    Object.entries(TOPICS).map(([role, spec]) => {
      const isPlain = version === 1 || UNVERSIONED.has(role as TopicRole)
      return [role, `${prefix}${spec.name}${isPlain ? '' : `.v${version}`}`]
    }),
  ) as Record<TopicRole, string>
}

/** The properties with which each topic of one version is created, by its name. */
export function topicSpecs(prefix: string, version = 1): ReadonlyMap<string, TopicSpec> {
  const names = topicNames(prefix, version)
  return new Map(Object.entries(TOPICS).map(([role, spec]) => [names[role as TopicRole], spec]))
}
