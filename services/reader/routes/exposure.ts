import { Problem } from '../../http/problem.ts'
import { RESERVATION_TTL_DEFAULT_S, RESERVATION_TTL_MAX_S } from '../../../schemas/commands/reservations.ts'
import { NODE_ID_PATTERN } from '../../../schemas/ids.ts'
import { FieldReader } from '../../../pipelines/json/field-reader.ts'
import {
  ReservationBody,
  ReservationParams,
  ReservationQuery,
  Reserved,
  SettledNow,
} from '../../../schemas/http/exposure.ts'
import { DONE_STATUS, problemResponses } from '../../../schemas/http/problem.ts'
import { USAGE_BOUNDS } from '../../../schemas/usage.ts'
import { formatTime } from '../../http/times.ts'
import { sparkNumber, usdNumber, usdText } from '../amounts.ts'
import { jsonBody } from './json-body.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import { nodeOfWrite, sendCommand, throwFirst } from './write-commands.ts'
import { WRITE_HEADERS, WRITE_PROBLEMS } from './write-schema.ts'
import { NANO_USD_PER_USD, SECOND_MS } from '../../../schemas/units.ts'

const NAME = new RegExp(NODE_ID_PATTERN)
const FIELDS: ReadonlySet<string> = new Set(['node_id', 'usd', 'ttl_seconds'])

/** POST and DELETE /api/exposure/reservations, POST /api/settlements/run. */
export function exposureRoutes(app: ReaderApp, parts: RouteParts): void {
  reserveRoute(app, parts)
  releaseRoute(app, parts)
  settleRoute(app, parts)
}

function reserveRoute(app: ReaderApp, parts: RouteParts): void {
  app.post(
    '/api/exposure/reservations',
    {
      config: { scope: 'settings:write', body: ReservationBody },
      schema: {
        summary: 'Asks, before a paid call, whether the node may still spend so much today',
        description:
          'What is reserved counts towards the limit of the day until its cost comes (an event with this reservation_id), it is deleted, or it expires.',
        tags: ['exposure'],
        querystring: ReservationQuery,
        headers: WRITE_HEADERS,
        response: {
          [DONE_STATUS.reserved]: {
            description: 'Reserved',
            content: { 'application/json': { schema: Reserved } },
          },
          ...problemResponses(...WRITE_PROBLEMS, 'over_limit', 'not_allowed', 'too_many_reservations'),
        },
      },
    },
    async (request, reply) => {
      const body = jsonBody(request)
      const node_id = nodeOfWrite(request, request.query.node_id, body)
      const fields = new FieldReader()
      for (const name of Object.keys(body)) {
        if (!FIELDS.has(name)) fields.refuse('unknown_field', `/${name}`, 'Is no field of a reservation.')
      }
      if (body['usd'] === undefined || body['usd'] === null)
        fields.refuse('missing', '/usd', '"usd" is required.')
      const cost_nano_usd = fields.money(body['usd'], '/usd')
      if (cost_nano_usd === 0)
        fields.refuse(
          'out_of_range',
          '/usd',
          `Must be above 0, at most ${USAGE_BOUNDS.costNanoUsdMax / Number(NANO_USD_PER_USD)}.`,
        )
      const ttlS = fields.integer(
        body['ttl_seconds'],
        '/ttl_seconds',
        RESERVATION_TTL_MAX_S,
        RESERVATION_TTL_DEFAULT_S,
      )
      if (ttlS === 0) fields.refuse('out_of_range', '/ttl_seconds', 'Must be at least 1.')
      throwFirst(fields)
      const command = { node_id, kind: 'reserve', cost_nano_usd, ttl_ms: ttlS * SECOND_MS } as const
      const { id, expires_at } = await sendCommand(parts, request, command)
      return reply.code(DONE_STATUS.reserved).send({ id, expires_at: formatTime(expires_at) })
    },
  )
}

function releaseRoute(app: ReaderApp, parts: RouteParts): void {
  app.delete(
    '/api/exposure/reservations/:id',
    {
      config: { scope: 'settings:write' },
      schema: {
        summary: 'Gives back what was reserved',
        tags: ['exposure'],
        params: ReservationParams,
        querystring: ReservationQuery,
        headers: WRITE_HEADERS,
        response: {
          [DONE_STATUS.released]: { description: 'Given back', type: 'null' },
          ...problemResponses(...WRITE_PROBLEMS, 'invalid_url', 'reservation_not_found'),
        },
      },
    },
    async (request, reply) => {
      const node_id = nodeOfWrite(request, request.query.node_id, {})
      const { id } = request.params
      // No reservation can have this id, and no command may carry it.
      if (!NAME.test(id)) throw new Problem('reservation_not_found', 'This node has no such reservation.')
      await sendCommand(parts, request, { node_id, kind: 'release', reservation_id: id })
      return reply.code(DONE_STATUS.released).send(null)
    },
  )
}

function settleRoute(app: ReaderApp, parts: RouteParts): void {
  app.post(
    '/api/settlements/run',
    {
      config: { scope: 'settings:write' },
      schema: {
        summary: 'Settles what is pending now, whatever the minimum and auto_settle',
        tags: ['settlements'],
        querystring: ReservationQuery,
        headers: WRITE_HEADERS,
        response: {
          200: { description: 'Settled', content: { 'application/json': { schema: SettledNow } } },
          ...problemResponses(...WRITE_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const node_id = nodeOfWrite(request, request.query.node_id, {})
      const result = await sendCommand(parts, request, { node_id, kind: 'settle' })
      const microSpark = BigInt(result.micro_spark)
      const nanoUsd = BigInt(result.nano_usd)
      return reply.send({
        settled_count: result.settled_count,
        total_spark_awarded: sparkNumber(microSpark),
        total_micro_spark_awarded: microSpark,
        total_usd_settled: usdNumber(nanoUsd),
        total_usd_settled_exact: usdText(nanoUsd),
      })
    },
  )
}
