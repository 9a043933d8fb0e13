import { readFileSync } from 'node:fs'
import avsc from 'avsc'
import { BoundedArray } from './bounded-array.ts'
import { DecimalType } from './decimal-bytes.ts'
import {
  CAPS_DEFAULT,
  accessKeyOfV1,
  accessKeyOfV2,
  accessKeyOfV3,
  accountOfV1,
  accountOfV3,
  configureOfV1,
  nothingCapped,
  usageEventsOfV1,
  usageOfV1,
  usageOfV2,
} from './older-records.ts'
import type { UsageEvent, UsageMore } from './usage.ts'
import type { AccountV2, SettlerTaskV1 } from './older-records.ts'
import type {
  AccessKey,
  Account,
  AggregatorTask,
  End,
  Fence,
  Heartbeats,
  Ids,
  InboxAudit,
  InboxCommand,
  InboxConfigure,
  InboxHeartbeat,
  InboxUsage,
  Installation,
  Layout,
  Models,
  ModelsTable,
  Outcome,
  SettlerTask,
  Tick,
  UsageEvents,
} from './records.ts'

/**
 * Confluent's wire framing around Avro: a zero byte, the schema's id (32 bits, big-endian), the value. The writer's schema
 * is known by its id and never from the message; every version stays here and stays readable.
 */
const MAGIC = 0
export const FRAME_BYTES = 5

/** Ids of the schemas; they never change. */
export const SCHEMA_ID = {
  /** Without sources. */
  usageEventsV1: 1,
  tick: 2,
  models: 3,
  end: 4,
  usageEvents: 5,
  /** One event in each record: what the clients of a schema registry write. */
  usageEvent: 6,
  modelsTable: 7,
  /** Without receipts. */
  inboxUsageV1: 10,
  /** Without overrides and thresholds. */
  inboxConfigureV1: 11,
  /** With ids that two nodes, or two credentials, could share. */
  inboxCommandV1: 12,
  inboxHeartbeat: 13,
  /** Without caps. */
  inboxConfigureV2: 14,
  /** Without `by_operator`. */
  inboxCommandV2: 15,
  inboxConfigure: 16,
  /** Without the kinds of ids. */
  inboxUsageV2: 17,
  inboxUsage: 18,
  inboxCommand: 19,
  /** Before settings, heartbeats and rewards. */
  accountV1: 20,
  settlerTaskV1: 21,
  fence: 22,
  /** With sums of 64 bits. */
  accountV2: 23,
  /** Before versions of topics could end. */
  settlerTaskV2: 24,
  /** Before outcomes were counted by credential. */
  outcomeV1: 25,
  /** Before task records held the offsets from which rules apply. */
  settlerTaskV3: 26,
  settlerTask: 27,
  /** Before operators were confirmed. */
  accountV3: 28,
  outcome: 29,
  aggregatorTaskV1: 30,
  ids: 31,
  aggregatorTaskV2: 32,
  /** Before texts had an identity of their own. */
  aggregatorTaskV3: 33,
  heartbeats: 34,
  aggregatorTask: 35,
  account: 36,
  accessKeyV1: 40,
  /** Before there were keys of a fleet's nodes. */
  accessKeyV2: 41,
  accessKeyV3: 42,
  accessKey: 43,
  installation: 50,
  layout: 51,
  inboxAudit: 60,
  workerTelemetry: 70,
  nodeHeartbeat: 71,
  fleetTask: 72,
  /** Before epochs that speak at once were counted. */
  fleetNodeV1: 73,
  fleetNode: 77,
  inventoryCommand: 80,
  fleetEntity: 81,
  inventoryOutcome: 82,
  fleetPage: 74,
  fleetFace: 75,
  fleetHearing: 76,
} as const

/** Encodes and decodes the framed records of one schema. */
export interface Codec<T> {
  readonly schemaId: number
  /** All ids that it decodes, including those of older versions. */
  readonly schemaIds: readonly (number | null)[]
  /** Returns a new framed buffer; throws where the value does not fit the schema, which is a programming error. */
  encode(value: T): Buffer
  /** Returns the value of a framed buffer that Hivemeter wrote; throws where it is not one. */
  decode(framed: Buffer): T
}

/** The schema id of a framed value, or null where the framing is not ours. */
export function schemaIdOf(value: Buffer | null): number | null {
  if (value === null || value.length < FRAME_BYTES || value[0] !== MAGIC) return null
  return value.readUInt32BE(1)
}

/** The parts of an Avro value, one after the other, preceded by the framing of a schema. */
export function framed(schemaId: number, pieces: readonly Buffer[]): Buffer {
  const frame = Buffer.alloc(FRAME_BYTES)
  frame[0] = MAGIC
  frame.writeUInt32BE(schemaId, 1)
  return Buffer.concat([frame, ...pieces])
}

/** 64-bit sums of older schemas as bigint: the money of a lifetime may exceed what a double holds exactly. */
const bigintLong = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (left: bigint, right: bigint) => (left < right ? -1 : Number(left > right)),
})

/**
 * The parsed Avro type of one of the schema files: sums as bigint where the schema requires it, arrays with a bound.
 * `registry` defines how types are read that the schema names.
 */
export function avroType(file: string, registry: Record<string, avsc.Type> = {}): avsc.Type {
  const schema = JSON.parse(
    readFileSync(new URL(`avro/${file}.avsc`, import.meta.url), 'utf8'),
  ) as avsc.Schema
  return avsc.Type.forSchema(schema, {
    wrapUnions: false,
    registry,
    logicalTypes: { decimal: DecimalType },
    typeHook(attributes, options) {
      const { logicalType, type } = attributes as { readonly logicalType?: string; readonly type?: unknown }
      if (logicalType === 'bigint') return bigintLong
      return type === 'array' ? new BoundedArray(attributes, options) : undefined
    },
  })
}

/** How a record of an older schema is read as one of today. */
interface Older<T> {
  readonly schemaId: number
  readonly file: string
  readonly upgrade: (value: never) => T
}

/** The codec of a schema file under an id, and of the older schemas that it reads too. */
export function codec<T>(schemaId: number, file: string, ...olders: readonly Older<T>[]): Codec<T> {
  const type = avroType(file)
  const known = olders.map(({ schemaId: id, file: older, upgrade }) => ({
    id,
    upgrade,
    type: avroType(older),
  }))
  return {
    schemaId,
    schemaIds: [schemaId, ...olders.map((older) => older.schemaId)],
    encode: (value) => framed(schemaId, [type.toBuffer(value)]),
    decode: (value) => {
      const id = schemaIdOf(value)
      const bytes = value.subarray(FRAME_BYTES)
      const older = id === schemaId ? undefined : known.find((one) => one.id === id)
      if (older !== undefined) return older.upgrade(older.type.fromBuffer(bytes) as never)
      if (id !== schemaId)
        throw new Error(`Expected a record of schema ${schemaId} (${file}), got ${id ?? 'no framing'}.`)
      return type.fromBuffer(bytes) as T
    },
  }
}

export const usageEventsCodec = codec<UsageEvents>(SCHEMA_ID.usageEvents, 'usage-events.v2', {
  schemaId: SCHEMA_ID.usageEventsV1,
  file: 'usage-events.v1',
  upgrade: usageEventsOfV1,
})
export const usageEventCodec = codec<UsageEvent>(SCHEMA_ID.usageEvent, 'usage-event.v1')

/** A usage event exactly as in its bytes, with every number as a bigint: what is set aside may exceed all bounds. */
export type WideUsageEvent = Wide<Omit<UsageEvent, 'more'>> & { readonly more: Wide<UsageMore> | null }

type Wide<Said> = {
  readonly [Field in keyof Said]: number extends Said[Field]
    ? bigint | (null extends Said[Field] ? null : never)
    : Said[Field]
}

const wideTypeOf = (file: string): avsc.Type => avroType(file, { long: bigintLong, int: bigintLong })
const wideOfV1 = wideTypeOf('usage-events.v1')
const wideEvents = wideTypeOf('usage-events.v2')
const wideEvent = wideTypeOf('usage-event.v1')

/** The events of a framed record of usage events, whatever their numbers; throws where it is not such a record. */
export function decodeWide(framedEvents: Buffer): readonly WideUsageEvent[] {
  const bytes = framedEvents.subarray(FRAME_BYTES)
  const eventsOf = (type: avsc.Type) => (type.fromBuffer(bytes) as { events: WideUsageEvent[] }).events
  switch (schemaIdOf(framedEvents)) {
    case SCHEMA_ID.usageEvent:
      return [wideEvent.fromBuffer(bytes) as WideUsageEvent]
    case SCHEMA_ID.usageEvents:
      return eventsOf(wideEvents)
    case SCHEMA_ID.usageEventsV1:
      return eventsOf(wideOfV1).map((event) => Object.assign(event, { event_source: null, more: null }))
    default:
      throw new Error('These are no usage events.')
  }
}

export const tickCodec = codec<Tick>(SCHEMA_ID.tick, 'tick.v1')
export const endCodec = codec<End>(SCHEMA_ID.end, 'end.v1')
export const modelsCodec = codec<Models>(SCHEMA_ID.models, 'models.v1')
export const modelsTableCodec = codec<ModelsTable>(SCHEMA_ID.modelsTable, 'models.v2')
export const inboxUsageCodec = codec<InboxUsage>(
  SCHEMA_ID.inboxUsage,
  'inbox-usage.v3',
  { schemaId: SCHEMA_ID.inboxUsageV1, file: 'inbox-usage.v1', upgrade: usageOfV1 },
  { schemaId: SCHEMA_ID.inboxUsageV2, file: 'inbox-usage.v2', upgrade: usageOfV2 },
)
export const inboxConfigureCodec = codec<InboxConfigure>(
  SCHEMA_ID.inboxConfigure,
  'inbox-configure.v3',
  { schemaId: SCHEMA_ID.inboxConfigureV1, file: 'inbox-configure.v1', upgrade: configureOfV1 },
  {
    schemaId: SCHEMA_ID.inboxConfigureV2,
    file: 'inbox-configure.v2',
    upgrade: (configure: Omit<InboxConfigure, 'caps'>) => ({ ...configure, caps: CAPS_DEFAULT }),
  },
)
export const inboxCommandCodec = codec<InboxCommand>(
  SCHEMA_ID.inboxCommand,
  'inbox-command.v3',
  {
    schemaId: SCHEMA_ID.inboxCommandV1,
    file: 'inbox-command.v1',
    upgrade: (command: Omit<InboxCommand, 'older_id' | 'by_admin' | 'by_operator'>) => ({
      ...command,
      older_id: null,
      by_admin: false,
      by_operator: false,
    }),
  },
  {
    schemaId: SCHEMA_ID.inboxCommandV2,
    file: 'inbox-command.v2',
    upgrade: (command: Omit<InboxCommand, 'by_operator'>) => ({ ...command, by_operator: false }),
  },
)
export const inboxHeartbeatCodec = codec<InboxHeartbeat>(SCHEMA_ID.inboxHeartbeat, 'inbox-heartbeat.v1')
export const inboxAuditCodec = codec<InboxAudit>(SCHEMA_ID.inboxAudit, 'inbox-audit.v1')
export const accountCodec = codec<Account>(
  SCHEMA_ID.account,
  'account.v4',
  { schemaId: SCHEMA_ID.accountV1, file: 'account.v1', upgrade: accountOfV1 },
  {
    schemaId: SCHEMA_ID.accountV2,
    file: 'account.v2',
    upgrade: (account: AccountV2) => accountOfV3(Object.assign(account, nothingCapped())),
  },
  { schemaId: SCHEMA_ID.accountV3, file: 'account.v3', upgrade: accountOfV3 },
)
export const settlerTaskCodec = codec<SettlerTask>(
  SCHEMA_ID.settlerTask,
  'settler-task.v4',
  {
    schemaId: SCHEMA_ID.settlerTaskV1,
    file: 'settler-task.v1',
    upgrade: (task: SettlerTaskV1) => {
      const { rules_version: version, spark_per_usd, ...rest } = task
      const rules =
        version === 0 ? null : inboxConfigureCodec.encode(configureOfV1({ version, spark_per_usd }))
      return { ...rest, rules, ended: false, since: [] }
    },
  },
  {
    schemaId: SCHEMA_ID.settlerTaskV2,
    file: 'settler-task.v2',
    upgrade: (task: Omit<SettlerTask, 'ended' | 'since'>) => ({ ...task, ended: false, since: [] }),
  },
  {
    schemaId: SCHEMA_ID.settlerTaskV3,
    file: 'settler-task.v3',
    upgrade: (task: Omit<SettlerTask, 'since'>) => ({ ...task, since: [] }),
  },
)
export const outcomeCodec = codec<Outcome>(SCHEMA_ID.outcome, 'outcome.v2', {
  schemaId: SCHEMA_ID.outcomeV1,
  file: 'outcome.v1',
  upgrade: (outcome: Omit<Outcome, 'caller' | 'by_admin'>) => ({ ...outcome, caller: '', by_admin: false }),
})
export const heartbeatsCodec = codec<Heartbeats>(SCHEMA_ID.heartbeats, 'heartbeats.v1')
export const fenceCodec = codec<Fence>(SCHEMA_ID.fence, 'fence.v1')
export const aggregatorTaskCodec = codec<AggregatorTask>(
  SCHEMA_ID.aggregatorTask,
  'aggregator-task.v4',
  {
    schemaId: SCHEMA_ID.aggregatorTaskV1,
    file: 'aggregator-task.v1',
    upgrade: (task: Omit<AggregatorTask, 'ended' | 'since' | 'texts_until'>) => ({
      ...task,
      ended: false,
      since: [],
      texts_until: null,
    }),
  },
  {
    schemaId: SCHEMA_ID.aggregatorTaskV2,
    file: 'aggregator-task.v2',
    upgrade: (task: Omit<AggregatorTask, 'since' | 'texts_until'>) => ({
      ...task,
      since: [],
      texts_until: null,
    }),
  },
  {
    schemaId: SCHEMA_ID.aggregatorTaskV3,
    file: 'aggregator-task.v3',
    upgrade: (task: Omit<AggregatorTask, 'texts_until'>) => ({ ...task, texts_until: null }),
  },
)
export const layoutCodec = codec<Layout>(SCHEMA_ID.layout, 'layout.v1')
export const accessKeyCodec = codec<AccessKey>(
  SCHEMA_ID.accessKey,
  'access-key.v4',
  { schemaId: SCHEMA_ID.accessKeyV1, file: 'access-key.v1', upgrade: accessKeyOfV1 },
  { schemaId: SCHEMA_ID.accessKeyV2, file: 'access-key.v2', upgrade: accessKeyOfV2 },
  { schemaId: SCHEMA_ID.accessKeyV3, file: 'access-key.v3', upgrade: accessKeyOfV3 },
)
export const installationCodec = codec<Installation>(SCHEMA_ID.installation, 'installation.v1')
export const idsCodec = codec<Ids>(SCHEMA_ID.ids, 'ids.v1')

/** The key of ticks in every topic. */
export const TICK_KEY = '!tick'

/** Keys in state topics that no node id can equal: node ids contain no "!". */
export const STATE_KEY = {
  task: '!task',
  fence: '!fence',
  ids: '!ids',
  commands: '!cmd/',
  heartbeats: '!beats/',
  inventory: '!inv/',
  fleetPage: '!page/',
  fleetFace: '!face/',
  fleetHearing: '!heard/',
} as const

/** Whether a text that should name a node has the form of the keys of a task's own records. */
export function isReservedKey(name: string): boolean {
  return name.startsWith('!')
}
