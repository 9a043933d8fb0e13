/**
 * Every topic of Hivemeter, in the one place that knows them (design: "Topics").
 *
 * All are keyed by `node_id`, have the same number of partitions and Kafka's own default partitioner, so partition
 * p of each holds the same nodes. All carry LogAppendTime: receipt time is one clock, and replays see it alike.
 */

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MEBIBYTE = 1_048_576

/** What a topic is made with. `retentionMs` -1 means: never by time. */
export interface TopicSpec {
  readonly name: string
  readonly cleanup: 'delete' | 'compact'
  readonly retentionMs: number
  /** Largest record batch in bytes; block topics take rows by the megabyte. */
  readonly messageBytesMax: number
}

const topic = (name: string, kept: Omit<TopicSpec, 'name'>): TopicSpec => ({ name, ...kept })

/** The topics by what they are for. A grown partition count means new topics `….v2`, drained and cut over. */
export const TOPICS = {
  /** Arrays of usage events; ticks; the model table. */
  usageMetered: topic('usage.metered', {
    cleanup: 'delete',
    retentionMs: 7 * DAY_MS,
    messageBytesMax: 2 * MEBIBYTE,
  }),
  /** Ids seen, task and fence records of the aggregator; the task deletes what it has forgotten. */
  usageIds: topic('usage.ids', { cleanup: 'delete', retentionMs: -1, messageBytesMax: 4 * MEBIBYTE }),
  /** Rows for ClickHouse, from the aggregator. */
  usageBlocks: topic('usage.blocks', {
    cleanup: 'delete',
    retentionMs: 30 * DAY_MS,
    messageBytesMax: 4 * MEBIBYTE,
  }),
  /** Costs and sums in event order, configuration, ticks: the settler's one input. */
  accountInbox: topic('account.inbox', {
    cleanup: 'delete',
    retentionMs: 35 * DAY_MS,
    messageBytesMax: 2 * MEBIBYTE,
  }),
  /** Accounts, task and fence records of the settler. */
  nodeState: topic('node.state', { cleanup: 'compact', retentionMs: -1, messageBytesMax: 2 * MEBIBYTE }),
  /** Keys of clients: who may do what. */
  accessKeys: topic('access.keys', { cleanup: 'compact', retentionMs: -1, messageBytesMax: 2 * MEBIBYTE }),
  /** Rows for ClickHouse, from the settler. */
  settlementBlocks: topic('settlement.blocks', {
    cleanup: 'delete',
    retentionMs: 30 * DAY_MS,
    messageBytesMax: 4 * MEBIBYTE,
  }),
} as const satisfies Record<string, TopicSpec>

/** A topic by its role in the code. */
export type TopicRole = keyof typeof TOPICS

/** Bytes a partition keeps where logs are kept by size and not by time (a laptop may sleep for weeks). */
export const LOCAL_RETENTION_BYTES = 1024 * MEBIBYTE

/** Segments of compacted topics: small, so that compaction reaches what is recent and restores stay short. */
export const COMPACTED_SEGMENT_BYTES = 64 * MEBIBYTE

/** Names the topics of one installation; `prefix` keeps tests and replays apart on one cluster. */
export function topicNames(prefix: string): Record<TopicRole, string> {
  return Object.fromEntries(
    Object.entries(TOPICS).map(([role, spec]) => [role, `${prefix}${spec.name}`]),
  ) as Record<TopicRole, string>
}
