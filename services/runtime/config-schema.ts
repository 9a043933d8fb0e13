import { Type } from 'typebox'
import type { Static } from 'typebox'
import { DAY_S } from '../../schemas/units.ts'

const port = (defaultPort: number, description: string) =>
  Type.Integer({ minimum: 1, maximum: 65_535, default: defaultPort, description })

const text = (defaultText: string, description: string) => Type.String({ default: defaultText, description })

/** Every setting once: name, bounds, default, description. Types, messages and `.env.example` are made from this schema. */
export const CONFIG_SCHEMA = Type.Object(
  {
    kafkaBrokers: Type.Array(Type.String({ minLength: 3, pattern: '^[^\\s,]+:\\d{1,5}$' }), {
      minItems: 1,
      default: ['127.0.0.1:4692'],
      description:
        'Kafka brokers, host:port, separated by commas. Set: npm start starts no Kafka of its own.',
    }),
    kafkaTls: Type.Union([Type.Literal('on'), Type.Literal('off')], {
      default: 'off',
      description: 'Whether connections to Kafka are encrypted: on or off.',
    }),
    kafkaCaFile: text(
      '',
      "Certificates (PEM) of the authorities that may sign the brokers'; empty: those that the system trusts.",
    ),
    kafkaCertificateFile: text(
      '',
      'Own certificate with its chain (PEM), where the brokers ask for one; with a key file.',
    ),
    kafkaKeyFile: text('', 'Key (PEM, not encrypted) of that certificate.'),
    kafkaServerName: text(
      '',
      "Name that the brokers' certificates carry, where it is another one than their address.",
    ),
    kafkaSaslMechanism: Type.Union(
      [
        Type.Literal('none'),
        Type.Literal('PLAIN'),
        Type.Literal('SCRAM-SHA-256'),
        Type.Literal('SCRAM-SHA-512'),
        Type.Literal('OAUTHBEARER'),
      ],
      {
        default: 'none',
        description:
          'How a service says to Kafka who it is: none, PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER.',
      },
    ),
    kafkaUser: text('', 'Kafka user of PLAIN and SCRAM.'),
    kafkaPasswordFile: text('', 'File that holds its password.'),
    kafkaTokenFile: text(
      '',
      'File that holds the token of OAUTHBEARER; read again on each authentication, so it may be renewed.',
    ),
    clickhouseUrl: Type.String({
      pattern: '^https?://[^\\s,]+(,https?://[^\\s,]+)*$',
      default: 'http://127.0.0.1:4623',
      description:
        'Address of ClickHouse, http:// or https://; of a cluster those of all replicas, separated by commas, no load balancer: the first is asked until it is away, then the next. Set: npm start starts no ClickHouse of its own.',
    }),
    clickhouseCluster: Type.String({
      pattern: '^([A-Za-z_][A-Za-z0-9_-]{0,62})?$',
      default: '',
      description:
        'Name of the ClickHouse cluster (one shard, any number of replicas); tables are then Replicated. Empty: a single server.',
    }),
    clickhouseUser: text('default', 'ClickHouse user.'),
    clickhousePassword: text('', 'ClickHouse password; better in a file.'),
    clickhousePasswordFile: text('', 'File that holds the ClickHouse password.'),
    clickhouseCaFile: text(
      '',
      "Certificates (PEM) of the authorities that may sign ClickHouse's; empty: those that the system trusts.",
    ),
    clickhouseDatabase: Type.String({
      pattern: '^[A-Za-z_][A-Za-z0-9_]{0,62}$',
      default: 'hivemeter',
      description: 'ClickHouse database; npm run migrate makes it.',
    }),
    topicPrefix: Type.String({
      pattern: '^[A-Za-z0-9._-]{0,100}$',
      default: '',
      description: 'Put before every topic and group name, for several installations on one Kafka.',
    }),
    partitions: Type.Integer({
      minimum: 1,
      maximum: 1024,
      default: 4,
      description:
        'Partitions of every topic of a new installation. It has as many for good, until npm run migrate -- --grow gives it more.',
    }),
    replicationFactor: Type.Integer({
      minimum: 1,
      maximum: 9,
      default: 1,
      description: 'Copies of every partition; 3 on a cluster.',
    }),
    minInsyncReplicas: Type.Integer({
      minimum: 0,
      maximum: 9,
      default: 0,
      description:
        'Copies that must hold a record before it is acknowledged. 0: 2 where there are three copies or more, else 1.',
    }),
    topicRetention: Type.Union([Type.Literal('time'), Type.Literal('size')], {
      default: 'size',
      description:
        'What logs are kept by: size (1 GiB a partition; a laptop may sleep for weeks) or time (7 to 35 days, whatever their size; production).',
    }),
    idKeyFile: Type.String({
      minLength: 1,
      default: '.hivemeter/id.key',
      description:
        'File of the key that event ids are hashed with and receipts of replays are proven by; npm run migrate makes it. Keep it as long as the topics.',
    }),
    cursorKeyFile: Type.String({
      minLength: 1,
      default: '.hivemeter/cursor.key',
      description:
        'File of the key that cursors of lists are signed with, the same for all readers; npm run migrate makes it.',
    }),
    access: Type.Union([Type.Literal('required'), Type.Literal('off')], {
      default: 'required',
      description:
        'Whether reader and gateway ask for a key or token (npm run keys makes keys). off: everybody is admin, on loopback only.',
    }),
    requestsPerSecondMax: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 1_000,
      description: 'Requests that one credential may make in a second, at each server.',
    }),
    jwtKeyFile: text(
      '',
      'Public key (PEM) or key set (JWKS) of JSON Web Tokens; empty: only keys are taken.',
    ),
    jwtIssuer: text('', 'Issuer that a token must name; needed with a key file.'),
    jwtAudience: text('', 'Audience that a token must name; needed with a key file.'),
    jwtAlgorithm: Type.Union([Type.Literal('ES256'), Type.Literal('EdDSA'), Type.Literal('RS256')], {
      default: 'ES256',
      description: 'The one algorithm that tokens are signed with: ES256, EdDSA or RS256.',
    }),
    readerHost: text('127.0.0.1', 'Address that the reader listens on.'),
    readerPort: port(4680, 'Port of the reader: pages, API, /metrics.'),
    gatewayHost: text('127.0.0.1', 'Address that the gateway listens on.'),
    gatewayPort: port(4681, 'Port of the gateway: POST /v1/events, /metrics.'),
    corsOrigins: Type.String({
      pattern: '^(\\*|https?://[^\\s,/*]+(,https?://[^\\s,/*]+)*)?$',
      maxLength: 2_000,
      default: '',
      description:
        'Origins whose web pages may ask gateway and reader, with the credential that they have: https://host[:port], separated by commas, or * for all. Empty: none.',
    }),
    opsDetails: Type.Union([Type.Literal('public'), Type.Literal('admin')], {
      default: 'public',
      description:
        'Who may read /metrics, and in /readyz what is waited for and halted, at gateway and reader: public, or only credentials of the scope admin.',
    }),
    drainS: Type.Integer({
      minimum: 0,
      maximum: 300,
      default: 0,
      description:
        'Seconds after SIGTERM in which gateway and reader still answer while /readyz says 503, so that balancers look elsewhere first; 0 stops at once.',
    }),
    opsHost: text(
      '127.0.0.1',
      'Address of /healthz, /readyz and /metrics of aggregator, settler, fleet and loader.',
    ),
    aggregatorOpsPort: port(4682, 'Port of the aggregator for /healthz, /readyz and /metrics.'),
    settlerOpsPort: port(4683, 'Port of the settler for /healthz, /readyz and /metrics.'),
    loaderOpsPort: port(4684, 'Port of the loader for /healthz, /readyz and /metrics.'),
    fleetOpsPort: port(4685, 'Port of the fleet for /healthz, /readyz and /metrics.'),
    idsMax: Type.Integer({
      minimum: 100_000,
      maximum: 200_000_000,
      default: 10_000_000,
      description:
        'Event ids that one aggregator holds in memory to find repeats; older ones are looked up in ClickHouse.',
    }),
    accountRulesVersion: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 1,
      description:
        'Version of the account rules below; raise it with every change, or the change is not applied.',
    }),
    sparkPerUsd: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 100,
      description: 'Spark paid for one US dollar of metered cost.',
    }),
    sparkMode: Type.Union([Type.Literal('compatible'), Type.Literal('exact')], {
      default: 'compatible',
      description:
        'How costs become Spark: compatible (whole Spark a cost, at least 1) or exact (micro-Spark, fractions carried).',
    }),
    capImpressions: Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000,
      default: 10_000,
      description: 'Ad impressions of a node and UTC day of receipt that are paid; more are recorded.',
    }),
    capAgents: Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000,
      default: 500,
      description: 'Agents that a node can say it hosts, for rewards and the corrected score.',
    }),
    capPosts: Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000,
      default: 1_000,
      description: 'Posts that a node can say it has, for the corrected score.',
    }),
    capRewardSpark: Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000,
      default: 1_000,
      description: 'Spark of rewards of a node and UTC day of receipt; what is earned beyond is not paid.',
    }),
    capMinimumSpark: Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000,
      default: 1_000,
      description:
        'Spark of a node and UTC day of receipt that the compatible mode pays beyond USD × rate; a cost beyond is paid exactly.',
    }),
    settingOverrides: Type.String({
      maxLength: 2_000,
      default: '{}',
      description:
        'Settings that hold for every node, whatever it stored: a JSON object such as {"max_hive_gpu_pct":80}. The variables HEVOLVE_… of the original count too.',
    }),
    staleAfterS: Type.Integer({
      minimum: 1,
      maximum: DAY_S,
      default: 300,
      description: 'Seconds of silence after which a node of the profile full is stale.',
    }),
    deadAfterS: Type.Integer({
      minimum: 1,
      maximum: 10 * DAY_S,
      default: 900,
      description: 'Seconds of silence after which a node of the profile full is dead.',
    }),
    logLevel: Type.Union(
      [Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')],
      {
        default: 'info',
        description: 'Lowest level that is logged: debug, info, warn or error.',
      },
    ),
    dataDir: Type.String({
      minLength: 1,
      default: '.hivemeter',
      description: 'Folder of npm start for data, logs and Kafka jars; npm run reset forgets the data in it.',
    }),
    sampleEventsPerSecond: Type.Integer({
      minimum: 0,
      maximum: 5_000,
      default: 20,
      description: 'Sample events that npm start sends each second; 0 sends none.',
    }),
    memoryMinMb: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      default: 1_500,
      description: 'Free memory in MB below which npm start refuses to start.',
    }),
    diskMinMb: Type.Integer({
      minimum: 0,
      maximum: 100_000_000,
      default: 2_000,
      description: 'Free disk space in MB below which npm start refuses to start.',
    }),
    kafkaJarsDir: Type.String({
      minLength: 1,
      default: '.hivemeter/kafka-jars',
      description: "Folder of Kafka's jars; downloaded once by Maven, kept by npm run reset.",
    }),
    kafkaPort: port(4692, 'Port of the Kafka that npm start starts.'),
    kafkaControllerPort: port(4693, "Port of that Kafka's controller."),
    clickhousePort: port(4623, 'Port of the ClickHouse that npm start starts.'),
  },
  { additionalProperties: false },
)

/** All settings, checked and frozen. */
export type Config = Readonly<Static<typeof CONFIG_SCHEMA>>
export type ConfigKey = keyof Config

export const CONFIG_KEYS = Object.keys(CONFIG_SCHEMA.properties) as readonly ConfigKey[]

/** What a message or a page shows about one setting. */
export interface SettingDescription {
  readonly type?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly default: unknown
  readonly description: string
}

/** The setting's row of the schema, in the shape that messages need. */
export function settingOf(key: ConfigKey): SettingDescription {
  return CONFIG_SCHEMA.properties[key] as unknown as SettingDescription
}

/** The environment variable of a setting: `kafkaBrokers` is `HIVEMETER_KAFKA_BROKERS`. */
export function variableOf(key: ConfigKey): string {
  return `HIVEMETER_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

/**
 * Variables that are not settings: the path of the file, and what the supervisor and the test runner pass to their children.
 */
export const INTERNAL_VARIABLES = [
  'HIVEMETER_CONFIG_FILE',
  'HIVEMETER_WATCH_PARENT',
  'HIVEMETER_TEST_CONTAINERS',
] as const
