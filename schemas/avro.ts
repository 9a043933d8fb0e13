import { readFileSync } from 'node:fs'
import avsc from 'avsc'
import type {
  Account,
  AggregatorTask,
  Fence,
  Ids,
  InboxConfigure,
  InboxUsage,
  Models,
  SettlerTask,
  Tick,
  UsageEvents,
} from './records.ts'

/**
 * Confluent's wire framing around Avro: a zero byte, the schema's id (32 bits, big-endian), the value.
 * The writer's schema is known by its id and never by the message; every version stays here and stays readable.
 */
const MAGIC = 0
export const FRAME_BYTES = 5

/** Ids of the schemas, fixed for good. */
export const SCHEMA_ID = {
  usageEvents: 1,
  tick: 2,
  models: 3,
  inboxUsage: 10,
  inboxConfigure: 11,
  account: 20,
  settlerTask: 21,
  fence: 22,
  aggregatorTask: 30,
  ids: 31,
} as const

/** Encodes and decodes the framed records of one schema. */
export interface Codec<T> {
  readonly schemaId: number
  /** A new framed buffer; throws where the value does not fit the schema, which is a programming error. */
  encode(value: T): Buffer
  /** The value of a framed buffer that Hivemeter wrote; throws where it is not one. */
  decode(framed: Buffer): T
}

/** The schema id of a framed value, or null where the framing is not ours. */
export function schemaIdOf(value: Buffer | null): number | null {
  if (value === null || value.length < FRAME_BYTES || value[0] !== MAGIC) return null
  return value.readUInt32BE(1)
}

/** 64-bit sums as bigint: a lifetime of money may pass what a double holds exactly. */
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

/** The parsed Avro type of one of the schema files, sums as bigint where the schema says so. */
export function avroType(file: string): avsc.Type {
  const schema = JSON.parse(
    readFileSync(new URL(`avro/${file}.avsc`, import.meta.url), 'utf8'),
  ) as avsc.Schema
  return avsc.Type.forSchema(schema, {
    wrapUnions: false,
    typeHook: (attributes) =>
      (attributes as { logicalType?: string }).logicalType === 'bigint' ? bigintLong : undefined,
  })
}

function codec<T>(schemaId: number, file: string): Codec<T> {
  const type = avroType(file)
  return {
    schemaId,
    encode: (value) => {
      const body = type.toBuffer(value)
      const framed = Buffer.allocUnsafe(FRAME_BYTES + body.length)
      framed[0] = MAGIC
      framed.writeUInt32BE(schemaId, 1)
      body.copy(framed, FRAME_BYTES)
      return framed
    },
    decode: (framed) => {
      const id = schemaIdOf(framed)
      if (id !== schemaId)
        throw new Error(`Expected a record of schema ${schemaId} (${file}), got ${id ?? 'no framing'}.`)
      return type.fromBuffer(framed.subarray(FRAME_BYTES)) as T
    },
  }
}

export const usageEventsCodec = codec<UsageEvents>(SCHEMA_ID.usageEvents, 'usage-events.v1')
export const tickCodec = codec<Tick>(SCHEMA_ID.tick, 'tick.v1')
export const modelsCodec = codec<Models>(SCHEMA_ID.models, 'models.v1')
export const inboxUsageCodec = codec<InboxUsage>(SCHEMA_ID.inboxUsage, 'inbox-usage.v1')
export const inboxConfigureCodec = codec<InboxConfigure>(SCHEMA_ID.inboxConfigure, 'inbox-configure.v1')
export const accountCodec = codec<Account>(SCHEMA_ID.account, 'account.v1')
export const settlerTaskCodec = codec<SettlerTask>(SCHEMA_ID.settlerTask, 'settler-task.v1')
export const fenceCodec = codec<Fence>(SCHEMA_ID.fence, 'fence.v1')
export const aggregatorTaskCodec = codec<AggregatorTask>(SCHEMA_ID.aggregatorTask, 'aggregator-task.v1')
export const idsCodec = codec<Ids>(SCHEMA_ID.ids, 'ids.v1')

/** Keys in state topics that no node id can be: node ids have no "!". */
export const STATE_KEY = { task: '!task', fence: '!fence', ids: '!ids' } as const
