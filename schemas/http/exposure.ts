import { Type } from 'typebox'
import { RESERVATION_TTL_DEFAULT_S, RESERVATION_TTL_MAX_S } from '../commands/reservations.ts'
import { nodeIdParameter, parameters, sumField, timeField } from './fields.ts'

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
        // The default is given in words: openapi-fetch requires a member of a body that has a `default`.
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
