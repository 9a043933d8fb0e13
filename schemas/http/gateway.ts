import { Type } from 'typebox'
import type { TSchema } from 'typebox'
import { SOURCE_CODE_POINTS_MAX } from '../identity.ts'
import { NODE_ID_PATTERN, TEXT_CODE_POINTS_MAX } from '../ids.ts'
import { EXECUTIONS, TASK_SOURCES, USAGE_BOUNDS } from '../usage.ts'
import { LABEL_NAME_PATTERN } from '../labels.ts'
import { MWH_PER_KWH, NANO_USD_PER_USD } from '../units.ts'
import { WIDE } from './fields.ts'
import { PROBLEM_TYPE, PROBLEMS, ProblemSchema } from './problem.ts'
import type { ProblemCode } from './problem.ts'

/**
 * What the gateway accepts and answers, for OpenAPI. `pipelines/usage/accept/accept.ts` decides; a test keeps both
 * equal.
 */

const orNull = (schema: TSchema) => Type.Union([schema, Type.Null()])
const optional = (schema: TSchema) => Type.Optional(orNull(schema))

const nodeId = (description: string) => Type.String({ pattern: NODE_ID_PATTERN, description })
const freeText = (description: string) =>
  Type.String({ minLength: 1, maxLength: TEXT_CODE_POINTS_MAX, description })
const tokens = (description: string) =>
  Type.Integer({ minimum: 0, maximum: USAGE_BOUNDS.tokensMax, ...WIDE, description })
const amount = (maximum: number, description: string) => Type.Number({ minimum: 0, maximum, description })
const oneOf = (words: readonly string[], description: string) => Type.Enum([...words], { description })

const time = (description: string) =>
  Type.Union([Type.String({ format: 'date-time' }), Type.Number()], { description })

const TIME = 'RFC 3339 with any offset, or epoch milliseconds. Digits below the millisecond are cut.'

const dataFields = {
  operator_id: optional(nodeId("The node's operator, where the sender knows it.")),
  goal_id: optional(nodeId('The goal that the work was for.')),
  requester_node_id: optional(nodeId('The node that asked for the work.')),
  reservation_id: optional(nodeId('The reservation that this cost uses up.')),
  model_id: freeText('The model that did the work.'),
  task_source: oneOf(TASK_SOURCES, 'For whom the work was done.'),
  tokens_in: optional(tokens('Default 0.')),
  tokens_out: optional(tokens('Default 0.')),
  tokens_cached: optional(tokens('A part of tokens_in, never added again.')),
  tokens_reasoning: optional(tokens('A part of tokens_out, never added again.')),
  inferences: optional(
    Type.Integer({
      minimum: 1,
      maximum: USAGE_BOUNDS.inferencesMax,
      description: 'Calls that the event stands for. Default 1.',
    }),
  ),
  gpus: optional(
    Type.Integer({
      minimum: 1,
      maximum: USAGE_BOUNDS.gpusMax,
      description: 'GPUs that did the work. Default 1.',
    }),
  ),
  execution: optional(
    oneOf(EXECUTIONS, 'Whether the call went to a paid API; wins over the table of models.'),
  ),
  labels: optional(
    Type.Record(
      Type.String({ pattern: LABEL_NAME_PATTERN }),
      Type.String({ minLength: 1, maxLength: USAGE_BOUNDS.labelValueMax }),
      {
        additionalProperties: false,
        maxProperties: USAGE_BOUNDS.labelsMax,
        description: 'Words of the sender, kept beside the event.',
      },
    ),
  ),
  duration_ms: optional(
    amount(USAGE_BOUNDS.durationMsMax, 'Duration of the call, rounded to a millisecond.'),
  ),
  gpu_ms: optional(
    amount(
      USAGE_BOUNDS.durationMsMax * USAGE_BOUNDS.gpusMax,
      'GPU time, at most 7 days of each of `gpus`, rounded to a millisecond; estimated from tokens where it is absent.',
    ),
  ),
  energy_kwh: optional(
    Type.Number({
      minimum: 0,
      maximum: USAGE_BOUNDS.energyMwhMax / Number(MWH_PER_KWH),
      description: 'Rounded to a mWh, which is the sixth decimal. Not together with energy_mwh.',
    }),
  ),
  energy_mwh: optional(
    amount(USAGE_BOUNDS.energyMwhMax, 'Milliwatt-hours, rounded. Not together with energy_kwh.'),
  ),
  energy_source: optional(
    oneOf(['meter', 'device', 'estimate'], 'How the energy was found; only with one. Default device.'),
  ),
  actual_usd_cost: optional(
    Type.Union(
      [
        Type.String({ pattern: '^-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?$' }),
        Type.Number({ minimum: 0, maximum: USAGE_BOUNDS.costNanoUsdMax / Number(NANO_USD_PER_USD) }),
      ],
      {
        description:
          'US dollars paid for the call, 0 to 1,000,000, default 0: a decimal string or a number, both read from their text of at most 40 digits and rounded to a nano-USD.',
      },
    ),
  ),
}

export const UsageEventSchema = Type.Object(
  {
    event_id: freeText(
      'UUID, ULID or other text. The same (node_id, event_id) counts once, however often sent. A UUID and a ULID are their 128 bits, in any case; any other text is an identity of its own, together with its source, and never the same as a UUID.',
    ),
    source: optional(
      Type.String({
        minLength: 1,
        maxLength: SOURCE_CODE_POINTS_MAX,
        description:
          'Whose event_id it is: what the source of a CloudEvent is. Part of the identity where event_id is neither a UUID nor a ULID, and nothing beside these.',
      }),
    ),
    node_id: nodeId('The node that did the work.'),
    occurred_at: time(`${TIME} From 35 days before to 5 minutes after the receipt.`),
    ...dataFields,
  },
  {
    additionalProperties: false,
    description: 'One usage event. null means absent; unknown fields are refused.',
  },
)

export const CloudEventSchema = Type.Object(
  {
    specversion: Type.Literal('1.0'),
    type: Type.Literal('hivemeter.usage.v1'),
    source: Type.String({
      minLength: 1,
      description: `Beside an id that is neither a UUID nor a ULID: part of the identity, at most ${SOURCE_CODE_POINTS_MAX} code points.`,
    }),
    id: freeText('The event_id.'),
    subject: nodeId('The node_id.'),
    time: time('The occurred_at.'),
    data: Type.Object(dataFields, { additionalProperties: false }),
  },
  { description: 'A CloudEvent 1.0. Extension attributes are allowed.' },
)

export const RejectedEventSchema = Type.Object({
  index: Type.Integer({ minimum: 0, description: 'Position in the request.' }),
  event_id: orNull(Type.String({ description: 'The text that was sent.' })),
  code: Type.String({ description: 'Stable; decide by this.' }),
  path: Type.String({ description: 'JSON pointer from the event to the member at fault.' }),
  detail: Type.String(),
})

const accepted = Type.Integer({ minimum: 0, description: 'Events that the broker has acknowledged.' })
const rejected = Type.Array(RejectedEventSchema)
const rounded = Type.Integer({
  minimum: 0,
  description:
    'Of the events that were taken, those of which an amount was finer than the unit that is kept: rounded half-even, once.',
})
const indexes = (description: string) => Type.Array(Type.Integer({ minimum: 0 }), { description })

export const AcceptedSchema = Type.Object(
  { accepted, rejected, rounded },
  {
    description:
      'Every event that is not rejected is in the log. A repeat is accepted here and counted once later.',
  },
)

export const EventsProblemSchema = Type.Object({
  ...ProblemSchema.properties,
  accepted: Type.Optional(accepted),
  rejected: Type.Optional(rejected),
  rounded: Type.Optional(rounded),
  unknown: Type.Optional(indexes('Events in the log or not: send them again under the same event_id.')),
  not_taken: Type.Optional(indexes('Events that were not sent: send them again.')),
})

const PROBLEM_CODES = [
  'not_json',
  'unreadable_body',
  'body_too_slow',
  'body_too_large',
  'too_many_events',
  'unsupported_media_type',
  'unsupported_encoding',
  'nothing_accepted',
  'overloaded',
  'log_unavailable',
  'outcome_unknown',
  'internal',
] as const satisfies readonly ProblemCode[]

function problemResponses(): Record<number, object> {
  const byStatus = Map.groupBy(PROBLEM_CODES, (code) => PROBLEMS[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.join(', '),
        content: { [PROBLEM_TYPE]: { schema: EventsProblemSchema } },
      },
    ]),
  )
}

/** POST /v1/events as OpenAPI shows it. */
export const POST_EVENTS_SCHEMA = {
  operationId: 'postEvents',
  summary: 'Take usage events',
  description:
    'One event, an array of at most 10,000, as many lines of NDJSON or texts of application/json-seq, or CloudEvents ' +
    '(structured, batch, or binary with ce- headers and JSON). Any other +json type is read as application/json. ' +
    'At most 8 MiB, plain or packed with gzip, deflate or zstd (Content-Encoding). Each event is judged by itself. ' +
    'Answers once the broker has acknowledged every accepted event.',
  tags: ['events'],
  body: {
    content: {
      'application/json': { schema: Type.Union([UsageEventSchema, Type.Array(UsageEventSchema)]) },
      'application/x-ndjson': { schema: UsageEventSchema },
      'application/json-seq': { schema: UsageEventSchema },
      'application/cloudevents+json': { schema: CloudEventSchema },
      'application/cloudevents-batch+json': { schema: Type.Array(CloudEventSchema) },
    },
  },
  response: {
    202: { description: 'Taken', content: { 'application/json': { schema: AcceptedSchema } } },
    ...problemResponses(),
  },
} as const
