import { Type } from 'typebox'
import { nodeIdParameter, parameters, sumField, timeField } from './fields.ts'
import { DAY_S } from '../units.ts'

/** How long a reservation holds, in log time. */
export const RESERVATION_TTL_DEFAULT_S = 600
export const RESERVATION_TTL_MAX_S = DAY_S

export const ReservationBody = Type.Object(
  {
    node_id: Type.Optional(nodeIdParameter),
    usd: Type.Unsafe<number | string>({
      type: ['number', 'string'],
      exclusiveMinimum: 0,
      maximum: 1_000_000,
      pattern: '^\\d+(\\.\\d+)?$',
      description: 'US dollars, exactly: a decimal string or a number with at most 9 decimals.',
    }),
    ttl_seconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: RESERVATION_TTL_MAX_S,
        // In words: with a default of its own a member of a body is one that openapi-fetch must be given.
        description: `Seconds of log time. Default ${RESERVATION_TTL_DEFAULT_S}.`,
      }),
    ),
  },
  { additionalProperties: false },
)

export const Reserved = Type.Object({ id: Type.String(), expires_at: timeField('Log time.') })

export const ReservationParams = Type.Object({
  id: Type.String({ maxLength: 100, description: 'As the reservation was answered.' }),
})

export const ReservationQuery = parameters({ node_id: Type.Optional(nodeIdParameter) })

export const SettledNow = Type.Object({
  settled_count: Type.Integer(),
  total_spark_awarded: Type.Number(),
  total_micro_spark_awarded: sumField(),
  total_usd_settled: Type.Number(),
  total_usd_settled_exact: Type.String(),
})
