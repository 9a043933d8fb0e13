import { Type } from 'typebox'
import type { TSchema } from 'typebox'
import {
  AGE_MS_MAX,
  AHEAD_MS_MAX,
  BATCH_ITEMS_MAX,
  COMPLETE_SPANS_MAX,
  INTERVAL_S_MAX,
  INTERVAL_S_MIN,
  SEQ_MAX,
  WARNINGS_MAX,
} from '../fleet/bounds.ts'
import { jsonNameOf, MACHINE_FIELDS, POLL_RESULTS, REPORT_FIELDS, SAMPLE_FIELDS } from '../fleet/fields.ts'
import type { Field, Fields } from '../fleet/fields.ts'
import { LANES } from '../fleet/records.ts'
import { NODE_ID_PATTERN, TEXT_CODE_POINTS_MAX } from '../ids.ts'
import { HOUR_MS, KIB, SECOND_MS } from '../units.ts'
import { nullableWordField, timeField, WIDE } from './fields.ts'
import { configVersionField } from './fleet-nodes.ts'
import { problemResponses } from './problem.ts'

/**
 * What nodes of hosting fleets send, for OpenAPI. The fields of items come from `schemas/fleet/fields.ts`;
 * `pipelines/fleet/accept` judges.
 */

/**
 * The content type of a packed batch: a value of the schema worker-telemetry in Avro, framed with the id of its version as
 * in the log. A type of our own, since there is no registered one for a single Avro value.
 */
export const PACKED_BATCH_TYPE = 'application/vnd.hivemeter.worker-telemetry'

/** Bytes of a heartbeat, as received and again when unpacked: many times what one has. */
export const HEARTBEAT_BYTES_MAX = 4 * KIB

/** With null as one more type of the schema itself: generators of clients fail at a choice between a schema and null. */
const optional = (schema: TSchema & { readonly type?: unknown }) =>
  Type.Optional(Type.Unsafe({ ...schema, type: [schema.type, 'null'] }))
const optionalTime = Type.Optional(Type.Unsafe({ type: ['string', 'number', 'null'] }))
const name = (description: string) => Type.String({ pattern: NODE_ID_PATTERN, description })
const time = Type.Union([Type.String({ format: 'date-time' }), Type.Number()])
const number = (description: string) => Type.Integer({ minimum: 1, maximum: SEQ_MAX, ...WIDE, description })
const text = Type.String({ minLength: 1, maxLength: TEXT_CODE_POINTS_MAX })

/** The members that stand for a table of fields. */
function membersOf(fields: Fields): Record<string, TSchema> {
  return Object.fromEntries(
    Object.entries(fields).map(([field, form]) => [jsonNameOf(field), memberOf(form)]),
  )
}

function memberOf(field: Field): TSchema {
  switch (field.kind) {
    case 'place':
      return Type.Integer({ minimum: 0, maximum: field.max })
    case 'code':
      return text
    // A number that is out of its range is taken as null, with a warning.
    case 'number':
    case 'rate':
    case 'count':
      return optional(Type.Number())
    case 'flag':
      return optional(Type.Boolean())
    case 'text':
      return optional(text)
    case 'mac':
      return optional(Type.String({ pattern: '^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$' }))
    case 'time':
      return optionalTime
    case 'word':
      return Type.Optional(nullableWordField(field.words))
    case 'group':
      return optional(objectOf(membersOf(field.fields)))
    default:
      return optional(Type.Array(objectOf(membersOf(field.fields)), { maxItems: field.itemsMax }))
  }
}

const objectOf = (members: Record<string, TSchema>, description?: string) =>
  Type.Object(members, { additionalProperties: false, ...(description === undefined ? {} : { description }) })

const machine = {
  observed_at: Type.Union([Type.String({ format: 'date-time' }), Type.Number()], {
    description: `When the node asked the machine: RFC 3339, or epoch milliseconds. At most ${AHEAD_MS_MAX / SECOND_MS} s after the time of the log; what is older than ${AGE_MS_MAX / HOUR_MS} hours is counted and not kept.`,
  }),
  ...membersOf(MACHINE_FIELDS),
}

export const FleetSampleSchema = objectOf(
  {
    ...machine,
    ...membersOf(SAMPLE_FIELDS),
    warnings: optional(Type.Array(text, { maxItems: WARNINGS_MAX })),
  },
  'What one poll of a machine gave, in base units: H/s, W, s, °C, V, A, MHz. null means not reported, 0 a measured 0. A number out of its range is taken as null, with a warning.',
)
export const FleetPollSchema = objectOf(
  { ...machine, result: Type.Enum([...POLL_RESULTS]) },
  'How a poll ended; of each machine in each round, also of one that answers no more.',
)
export const FleetReportSchema = objectOf(
  { ...machine, ...membersOf(REPORT_FIELDS) },
  'The texts of a machine that seldom change: sent when they do, and every ten minutes.',
)
export const FleetItemSchema = objectOf(
  {
    sample: Type.Optional(FleetSampleSchema),
    poll: Type.Optional(FleetPollSchema),
    report: Type.Optional(FleetReportSchema),
  },
  'Exactly one of the three. It needs serial, mac, mac_arp or address.',
)

const node = {
  provider_id: name('The hosting provider.'),
  location_id: name('The location where the node is.'),
  node_id: name('The node.'),
  epoch: number("A start of the node's program: larger than every epoch before."),
  interval_s: Type.Integer({
    minimum: INTERVAL_S_MIN,
    maximum: INTERVAL_S_MAX,
    description: 'How often the node polls each machine.',
  }),
}

export const FleetBatchSchema = objectOf({
  ...node,
  first_seq: number(
    'The number of the first item; the others follow without a gap. Numbers count from 1 in each epoch.',
  ),
  lane: Type.Enum([...LANES], { description: 'live: just polled; replay: out of the spool.' }),
  low: objectOf(
    { epoch: number('Its epoch.'), seq: number('Its number.') },
    'The oldest number that the node still holds: what is below comes no more, and what is missing there is lost.',
  ),
  complete: optional(
    Type.Array(objectOf({ from: time, to: time }), {
      maxItems: COMPLETE_SPANS_MAX,
      description: 'Spans of time in which the node polled and of which it holds nothing back any more.',
    }),
  ),
  items: Type.Array(FleetItemSchema, {
    minItems: 1,
    description: `At most ${BATCH_ITEMS_MAX}: more are 413. One that is wrong is refused by its index, and the batch is taken.`,
  }),
})

export const NodeHeartbeatSchema = objectOf({
  ...node,
  sent_at: Type.Union([Type.String({ format: 'date-time' }), Type.Number()], {
    description: "By the node's clock.",
  }),
  version: Type.String({
    minLength: 1,
    maxLength: TEXT_CODE_POINTS_MAX,
    description: "Version of the node's program.",
  }),
})

const log_time = timeField('The time that the log gave to it: the clock by which everything is judged.')

export const RefusedItemSchema = Type.Object({
  index: Type.Integer({ minimum: 0, description: 'Place in the batch.' }),
  code: Type.String({ description: 'Stable; decide by this.' }),
  path: Type.String({ description: 'JSON pointer from the item to the member at fault.' }),
  detail: Type.String(),
})

export const FleetAcceptedSchema = Type.Object({
  log_time,
  accepted: Type.Integer({ minimum: 0, description: 'Items that are in the log.' }),
  refused: Type.Array(RefusedItemSchema, {
    description: 'Items that are refused for good: their numbers are used, and they are not sent again.',
  }),
  replay_budget: Type.Integer({
    minimum: 0,
    description:
      'Items a second that this node may replay from now on, over all of its batches: at most four times what it sends live, and a share of what the live items of others leave. 0: nothing for now.',
  }),
  config_version: configVersionField,
})

export const NodeHeardSchema = Type.Object({ log_time })

const PROBLEM_CODES = [
  'not_json',
  'unreadable_body',
  'body_too_slow',
  'body_too_large',
  'unsupported_media_type',
  'unsupported_encoding',
  'invalid_request',
  'not_own_node',
  'overloaded',
  'log_unavailable',
  'outcome_unknown',
] as const

/** POST /v1/fleet/telemetry as OpenAPI shows it. */
export const POST_TELEMETRY_SCHEMA = {
  operationId: 'postFleetTelemetry',
  tags: ['fleet'],
  summary: 'Take what a node polled',
  description:
    'One batch of one node: at most 1,000 items in one run of numbers, in at most 8 MiB, each item in at most 16 KiB; plain or packed with gzip, deflate or zstd. Either JSON, or the same batch as the Avro record that the log keeps (schemas/avro/worker-telemetry.v1.avsc), with a zero byte and the schema id 70 in four bytes before it: both are judged alike, and give the same record. Answers once the log has it. After 503, and without an answer, the same batch is sent again: each number counts once.',
  body: {
    content: {
      'application/json': { schema: FleetBatchSchema },
      [PACKED_BATCH_TYPE]: { schema: Type.String({ format: 'binary' }) },
    },
  },
  response: {
    202: { description: 'Taken', content: { 'application/json': { schema: FleetAcceptedSchema } } },
    ...problemResponses(...PROBLEM_CODES, 'too_many_events', 'nothing_accepted'),
  },
} as const

/** POST /v1/fleet/heartbeat as OpenAPI shows it. */
export const POST_NODE_HEARTBEAT_SCHEMA = {
  operationId: 'postFleetHeartbeat',
  tags: ['fleet'],
  summary: 'A node of a fleet says that it is there',
  description: 'Sent every 30 seconds, whether or not there is telemetry. Answers once the log has it.',
  body: { content: { 'application/json': { schema: NodeHeartbeatSchema } } },
  response: {
    202: { description: 'The log has it', content: { 'application/json': { schema: NodeHeardSchema } } },
    ...problemResponses(...PROBLEM_CODES),
  },
} as const
