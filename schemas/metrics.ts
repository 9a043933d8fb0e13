import { PROBLEMS } from './http/problem.ts'
import { DECIDED_OUTCOMES } from './fleet/outcomes.ts'
import type { MetricDefinition } from './metric-definition.ts'
import { ANOMALIES, HALT_REASONS, LETTER_CODES, REFUSAL_CODES } from './reasons.ts'
import { CONSUMERS, TASK_SERVICES } from './services.ts'
import { DECISION_NAMES, REWARD_KINDS, TABLES } from './tables.ts'

const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const
const COMMIT_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const
/** The states of a partition: see pipelines/task/task.ts. A loader's partition is running, waiting or halted. */
export const TASK_STATES = ['assigned', 'fencing', 'restoring', 'running', 'waiting', 'halted'] as const
export type TaskState = (typeof TASK_STATES)[number]

const TABLE_NAMES: readonly string[] = Object.values(TABLES).map(({ name }) => name)

/** All metrics of all services. The registry is built from this table, and alerts may name no others. */
export const METRICS = {
  hivemeter_events_accepted_total: {
    type: 'counter',
    help: 'Usage events that the gateway accepted: the broker has acknowledged them.',
    labels: [],
    services: ['gateway'],
  },
  hivemeter_events_refused_total: {
    type: 'counter',
    help: 'Usage events that the gateway refused, by the code of the answer.',
    labels: ['reason'],
    values: { reason: REFUSAL_CODES },
    services: ['gateway'],
  },
  hivemeter_event_requests_refused_total: {
    type: 'counter',
    help: 'Requests with events of which nothing was taken, by the code of the answer.',
    labels: ['reason'],
    values: { reason: Object.keys(PROBLEMS) },
    services: ['gateway'],
  },
  hivemeter_gateway_waiting_events: {
    type: 'gauge',
    help: 'Usage events that wait for the acknowledgement of the broker; bounded, then requests get 503.',
    labels: [],
    services: ['gateway'],
  },
  hivemeter_gateway_takes_events: {
    type: 'gauge',
    help: '1 while the log takes events, 0 while ticks ask whether it does again.',
    labels: [],
    services: ['gateway'],
  },
  hivemeter_http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from the head of an HTTP request to the end of its answer; route is the pattern, not the path.',
    labels: ['route', 'method', 'status'],
    services: ['gateway', 'reader'],
    buckets: REQUEST_SECONDS,
  },
  hivemeter_access_keys_unreadable_total: {
    type: 'counter',
    help: 'Values of access.keys that are no key: nobody gets in with them; /readyz names them.',
    labels: [],
    services: ['gateway', 'reader'],
  },
  hivemeter_audit_records_total: {
    type: 'counter',
    help: 'Records for the audit: written; late (the log did not take them, they are sent again after a minute); dropped (the process ended before the log took them).',
    labels: ['outcome'],
    values: { outcome: ['written', 'late', 'dropped'] },
    services: ['gateway', 'reader'],
  },
  hivemeter_produce_failures_total: {
    type: 'counter',
    help: 'Sends that the broker did not acknowledge in time, outside transactions; the caller was told.',
    labels: [],
    services: ['gateway', 'reader', 'aggregator', 'settler', 'fleet'],
  },
  hivemeter_usage_records_total: {
    type: 'counter',
    help: 'Records of usage.metered read and committed.',
    labels: [],
    services: ['aggregator'],
  },
  hivemeter_events_counted_total: {
    type: 'counter',
    help: 'Usage events added to the sums, once each.',
    labels: [],
    services: ['aggregator'],
  },
  hivemeter_events_repeated_total: {
    type: 'counter',
    help: 'Repeats dropped, by where the first copy was found.',
    labels: ['where'],
    values: { where: ['memory', 'clickhouse'] },
    services: ['aggregator'],
  },
  hivemeter_events_late_total: {
    type: 'counter',
    help: 'Usage events counted after the watermark had passed the end of their window.',
    labels: [],
    services: ['aggregator'],
  },
  hivemeter_events_forwarded_total: {
    type: 'counter',
    help: "Usage events that stood on a partition that is not their node's and were sent on: somebody produces with another partitioner.",
    labels: [],
    services: ['aggregator'],
  },
  hivemeter_stray_records: {
    type: 'gauge',
    help: 'Records in partitions of usage.metered that somebody added and nobody reads.',
    labels: [],
    services: ['aggregator'],
  },
  hivemeter_open_transaction_seconds: {
    type: 'gauge',
    help: "How long an outside producer's transaction has been open in a partition of usage.metered, which stands behind it; 0 where none is.",
    labels: ['partition'],
    services: ['aggregator'],
  },
  hivemeter_dead_letters_total: {
    type: 'counter',
    help: 'Source records set aside in dead_letters, by the first reason.',
    labels: ['reason'],
    values: { reason: LETTER_CODES },
    services: TASK_SERVICES,
  },
  hivemeter_transactions_total: {
    type: 'counter',
    help: 'Transactions by outcome; unknown: the end was not acknowledged and the task looked again; undecided: a record could not be decided and nothing was written.',
    labels: ['outcome'],
    values: { outcome: ['committed', 'unknown', 'undecided'] },
    services: TASK_SERVICES,
  },
  hivemeter_transaction_duration_seconds: {
    type: 'histogram',
    help: 'Time from the begin of a transaction to its acknowledged commit.',
    labels: [],
    services: TASK_SERVICES,
    buckets: COMMIT_SECONDS,
  },
  hivemeter_task_state: {
    type: 'gauge',
    help: '1 for the state that the task of a partition is in, 0 for the others; a loader has one for each partition of blocks.',
    labels: ['topic', 'partition', 'state'],
    values: { state: TASK_STATES },
    services: CONSUMERS,
  },
  hivemeter_task_fences_total: {
    type: 'counter',
    help: 'Tasks closed because another process had taken over their partition.',
    labels: [],
    services: TASK_SERVICES,
  },
  hivemeter_task_halts_total: {
    type: 'counter',
    help: 'Partitions halted until a person looks, by reason; /readyz names the remedy.',
    labels: ['reason'],
    values: { reason: HALT_REASONS },
    services: CONSUMERS,
  },
  hivemeter_consumer_lag_records: {
    type: 'gauge',
    help: 'Records behind what is done of a partition, as its last fetch saw its end; 0 where another process has it. It stands still while the partition halts.',
    labels: ['topic', 'partition'],
    services: CONSUMERS,
  },
  hivemeter_watermark_timestamp_seconds: {
    type: 'gauge',
    help: 'Watermark of a partition: windows that end at or before it are final; that of a loader says up to where ClickHouse has all.',
    labels: ['topic', 'partition'],
    services: CONSUMERS,
  },
  hivemeter_ids_held: {
    type: 'gauge',
    help: 'Event ids held in memory to find repeats.',
    labels: [],
    services: ['aggregator'],
  },
  hivemeter_ids_evicted_total: {
    type: 'counter',
    help: 'Event ids that left memory; ClickHouse is asked for their repeats.',
    labels: [],
    services: ['aggregator'],
  },
  hivemeter_id_lookups_total: {
    type: 'counter',
    help: 'Look-ups of old event ids in ClickHouse, by outcome; unavailable pauses the partition.',
    labels: ['outcome'],
    values: { outcome: ['found', 'absent', 'unavailable'] },
    services: ['aggregator'],
  },
  hivemeter_clickhouse_insert_duration_seconds: {
    type: 'histogram',
    help: 'Time of one INSERT, acknowledged or not.',
    labels: ['table'],
    values: { table: TABLE_NAMES },
    services: ['loader'],
    buckets: COMMIT_SECONDS,
  },
  hivemeter_clickhouse_inserts_total: {
    type: 'counter',
    help: 'INSERTs by outcome: ok, present (not sent, a look found the part), repeated (sent again under its token), phantom (new token after a phantom).',
    labels: ['table', 'outcome'],
    values: { table: TABLE_NAMES, outcome: ['ok', 'present', 'repeated', 'phantom'] },
    services: ['loader'],
  },
  hivemeter_loader_groups_total: {
    type: 'counter',
    help: 'Groups of blocks whose rows are all in ClickHouse and whose end is committed.',
    labels: [],
    services: ['loader'],
  },
  hivemeter_loader_reloads_total: {
    type: 'counter',
    help: 'Times that a partition went back in the log, because ClickHouse had less than was loaded before.',
    labels: [],
    services: ['loader'],
  },
  hivemeter_loader_reload_blocks: {
    type: 'gauge',
    help: 'Blocks that are still to be loaded again, after ClickHouse was put back from an older copy.',
    labels: ['topic', 'partition'],
    services: ['loader'],
  },
  hivemeter_fleet_records_accepted_total: {
    type: 'counter',
    help: 'Batches and heartbeats of fleets that the gateway accepted: the broker has acknowledged them.',
    labels: [],
    services: ['gateway'],
  },
  hivemeter_fleet_items_refused_total: {
    type: 'counter',
    help: 'Items of fleets that the gateway refused, by the code of the answer.',
    labels: ['reason'],
    values: { reason: REFUSAL_CODES },
    services: ['gateway'],
  },
  hivemeter_gateway_waiting_fleet_records: {
    type: 'gauge',
    help: 'Batches and heartbeats of fleets that wait for the acknowledgement of the broker; bounded, then requests get 503.',
    labels: [],
    services: ['gateway'],
  },
  hivemeter_gateway_takes_fleet_records: {
    type: 'gauge',
    help: '1 while the log takes records of fleets, 0 while ticks ask whether it does again.',
    labels: [],
    services: ['gateway'],
  },
  hivemeter_gateway_fleet_ticks_total: {
    type: 'counter',
    help: 'Ticks of this gateway to partitions of fleet.inbox, each 30 s: written, skipped while a partition takes none, or with an unknown fate.',
    labels: ['outcome'],
    values: { outcome: ['written', 'skipped', 'unknown'] },
    services: ['gateway'],
  },
  hivemeter_fleet_tick_timestamp_seconds: {
    type: 'gauge',
    help: 'Log time of the newest tick of a gateway that the task of a partition has taken in; before the first one, when the task began.',
    labels: ['partition'],
    services: ['fleet'],
  },
  hivemeter_fleet_items_total: {
    type: 'counter',
    help: 'Items that nodes of fleets sent, by their outcome: together they are all.',
    labels: ['outcome'],
    values: { outcome: DECIDED_OUTCOMES },
    services: ['fleet'],
  },
  hivemeter_fleet_clone_contacts_total: {
    type: 'counter',
    help: 'Heartbeats and live batches of an epoch of a node while a later one was live: two programs have its key.',
    labels: [],
    services: ['fleet'],
  },
  hivemeter_fleet_items_lost_total: {
    type: 'counter',
    help: 'Numbers that nodes of fleets used and whose items never came: the node said that it holds them no more.',
    labels: [],
    services: ['fleet'],
  },
  hivemeter_heartbeats_total: {
    type: 'counter',
    help: 'Heartbeats accepted: written to the log, or without news within the minute.',
    labels: ['outcome'],
    values: { outcome: ['written', 'nothing_new'] },
    services: ['gateway'],
  },
  hivemeter_inbox_records_total: {
    type: 'counter',
    help: 'Records of account.inbox by outcome.',
    labels: ['outcome'],
    values: { outcome: ['applied', 'repeat', 'command', 'heartbeat', 'audit'] },
    services: ['settler'],
  },
  hivemeter_rewards_total: {
    type: 'counter',
    help: 'Rewards given, by kind.',
    labels: ['kind'],
    values: { kind: [...REWARD_KINDS] },
    services: ['settler'],
  },
  hivemeter_anomalies_total: {
    type: 'counter',
    help: 'What nodes say that is recorded and not paid, or not in full, costs that are paid by the least of 1 Spark, and events under an id that stands for another content.',
    labels: ['kind'],
    values: { kind: ANOMALIES },
    services: ['aggregator', 'settler'],
  },
  hivemeter_cost_decisions_total: {
    type: 'counter',
    help: 'Decisions on paid API costs.',
    labels: ['decision'],
    values: { decision: DECISION_NAMES },
    services: ['settler'],
  },
  hivemeter_settlements_total: {
    type: 'counter',
    help: 'Settlements: ranges of pending costs paid into a wallet.',
    labels: [],
    services: ['settler'],
  },
  hivemeter_settled_micro_spark_total: {
    type: 'counter',
    help: 'Micro-Spark settled into wallets.',
    labels: [],
    services: ['settler'],
  },
  hivemeter_accounts: {
    type: 'gauge',
    help: 'Accounts held in memory by the task of a partition.',
    labels: ['partition'],
    services: ['settler'],
  },
  hivemeter_reader_fleet_nodes: {
    type: 'gauge',
    help: 'Nodes of hosting fleets held in memory, from fleet.state.',
    labels: [],
    services: ['reader'],
  },
  hivemeter_reader_state_records: {
    type: 'gauge',
    help: 'Records of node.state held in memory.',
    labels: [],
    services: ['reader'],
  },
} as const satisfies Record<`hivemeter_${string}`, MetricDefinition>

export type MetricName = keyof typeof METRICS

type NameOf<Type extends MetricDefinition['type']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends Type ? Name : never
}[MetricName]
export type CounterName = NameOf<'counter'>
export type GaugeName = NameOf<'gauge'>
export type HistogramName = NameOf<'histogram'>

type LabelValue<Name extends MetricName, Label extends string> = (typeof METRICS)[Name] extends {
  readonly values: infer Values
}
  ? Label extends keyof Values
    ? Values[Label] extends readonly (infer Value)[]
      ? Value
      : never
    : string | number
  : string | number

/** The labels of one metric, as its row in the table says. */
export type MetricLabels<Name extends MetricName> = {
  readonly [Label in (typeof METRICS)[Name]['labels'][number]]: LabelValue<Name, Label>
}

type CountArguments<Name extends CounterName> = (typeof METRICS)[Name]['labels'] extends readonly []
  ? [labels?: MetricLabels<Name>, by?: number]
  : [labels: MetricLabels<Name>, by?: number]

/** The port through which code counts. The table checks names, labels and known label values. */
export interface Metrics {
  /** Adds `by` (1 where it is not given, never negative) to a counter. */
  count<Name extends CounterName>(name: Name, ...rest: CountArguments<Name>): void
  /** Sets a gauge. */
  set<Name extends GaugeName>(name: Name, labels: MetricLabels<Name>, value: number): void
  /** Adds one observation to a histogram, in its base unit (seconds). */
  observe<Name extends HistogramName>(name: Name, labels: MetricLabels<Name>, value: number): void
}

/** Counts nothing: for one-shot tools and tests whose result is not their metrics. */
export const noMetrics: Metrics = { count: () => {}, set: () => {}, observe: () => {} }
