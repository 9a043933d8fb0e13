import { Type } from 'typebox'
import type { TSchema } from 'typebox'
import { NODE_ID_PATTERN, TEXT_CODE_POINTS_MAX } from '../ids.ts'
import { NODE_PROFILES, NODE_TIERS } from '../records.ts'
import { ProblemSchema, problemResponses } from './problem.ts'
import { MIB } from '../units.ts'

/** Most heartbeats of one request. */
export const HEARTBEATS_MAX = 1_000

/** Most bytes of them, as received and again when unpacked: three times what that many full ones have. */
export const HEARTBEATS_BYTES_MAX = MIB

const optional = (schema: TSchema) => Type.Optional(Type.Union([schema, Type.Null()]))
const count = (maximum: number, description: string) =>
  optional(Type.Integer({ minimum: 0, maximum, description }))

export const HeartbeatSchema = Type.Object(
  {
    heartbeat_id: Type.String({
      minLength: 1,
      maxLength: TEXT_CODE_POINTS_MAX,
      description: 'A repeat changes nothing; the newest 16 of a node are remembered.',
    }),
    node_id: Type.String({ pattern: NODE_ID_PATTERN }),
    sent_at: Type.Union([Type.String({ format: 'date-time' }), Type.Number()], {
      description: "The node's word; contact is when the log takes it.",
    }),
    tier: optional(
      Type.Enum([...NODE_TIERS], { description: 'To and from central only an admin changes it.' }),
    ),
    profile: optional(
      Type.Enum([...NODE_PROFILES], {
        description:
          'How long its silence may be: stale after 5, 15 or 45 minutes, dead after 15, 45 or 120.',
      }),
    ),
    operator_id: optional(Type.String({ pattern: NODE_ID_PATTERN })),
    version: optional(Type.String({ minLength: 1, maxLength: TEXT_CODE_POINTS_MAX })),
    agent_count: count(1_000_000_000, 'Agents that it hosts now.'),
    post_count: count(1_000_000_000, 'Posts that it holds now.'),
    ad_impressions: count(1_000_000, "Since the node's previous heartbeat."),
  },
  { additionalProperties: false },
)

export const RejectedHeartbeatSchema = Type.Object({
  index: Type.Integer({ minimum: 0 }),
  heartbeat_id: Type.Union([Type.String(), Type.Null()]),
  code: Type.String({ description: 'Stable; decide by this.' }),
  path: Type.String(),
  detail: Type.String(),
})
const rejected = Type.Array(RejectedHeartbeatSchema)
const accepted = Type.Integer({ minimum: 0 })

export const HeartbeatsAcceptedSchema = Type.Object({ accepted, rejected })

export const HeartbeatsProblemSchema = Type.Object({
  ...ProblemSchema.properties,
  accepted: Type.Optional(accepted),
  rejected: Type.Optional(rejected),
})

/** POST /v1/heartbeats, for OpenAPI. */
export const POST_HEARTBEATS_SCHEMA = {
  operationId: 'postHeartbeats',
  tags: ['events'],
  summary: 'Nodes say that they are there',
  description:
    'One heartbeat or an array of at most 1,000, in at most 1 MiB. One that changes nothing but the time of contact is written at most once a minute for a node.',
  body: {
    content: {
      'application/json': {
        schema: Type.Union([HeartbeatSchema, Type.Array(HeartbeatSchema)]),
      },
    },
  },
  response: {
    202: {
      description: 'The log has all that are not rejected',
      content: { 'application/json': { schema: HeartbeatsAcceptedSchema } },
    },
    ...problemResponses(
      'not_json',
      'unreadable_body',
      'body_too_slow',
      'body_too_large',
      'too_many_events',
      'unsupported_media_type',
      'unsupported_encoding',
      'overloaded',
      'outcome_unknown',
      'log_unavailable',
    ),
    422: {
      description: 'nothing_accepted',
      content: { 'application/problem+json': { schema: HeartbeatsProblemSchema } },
    },
  },
} as const
