import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../pipelines/clock.ts'
import { JsonItems, readJsonItems } from '../../pipelines/usage/json-items.ts'
import { POST_EVENTS_SCHEMA } from '../../schemas/http/gateway.ts'
import type { Metrics } from '../../schemas/metrics.ts'
import { USAGE_BOUNDS } from '../../schemas/usage.ts'
import { Problem } from '../http/problem.ts'
import { BODY_BYTES_MAX, Unpacker } from './body.ts'
import { attributesOfHeaders, isBinaryCloudEvent } from './cloudevent-headers.ts'
import { InFlight } from './in-flight.ts'
import { MEDIA_TYPES, eventMode } from './media-type.ts'
import type { EventMode } from './media-type.ts'
import type { QueueState, UsageQueue } from './queue.ts'
import { receiveBinary, receiveItems, withoutForeign } from './receive.ts'
import type { Received } from './receive.ts'

/** What a header of binary mode may add to an event beyond its body. */
const HEADER_BYTES_MAX = 16_384

/** Seconds after which a client that got 503 may try again. */
const RETRY_AFTER = { 'retry-after': '1' }

export interface EventsRouteParts {
  readonly queue: UsageQueue
  readonly metrics: Metrics
  readonly clock: Clock
}

/** POST /v1/events: read, judge each event, hand the good ones to the queue, answer once the broker has them. */
export function eventsRoute(app: FastifyInstance, { queue, metrics, clock }: EventsRouteParts): void {
  const unpacker = new Unpacker()
  const inFlight = new InFlight(clock)

  // The body stays bytes: its numbers are read from their text, and its limits hold after unpacking too.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser([...MEDIA_TYPES], { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  )

  app.addHook('onRequest', async (request, reply) => {
    if (queue.state !== 'taking') throw logUnavailable(queue)
    const sizeBytes = announcedBytes(request)
    if (!queue.hasRoom(1, 0) || !inFlight.enter(sizeBytes)) throw overloaded()
    reply.raw.once('close', () => inFlight.leave(sizeBytes, reply.statusCode === 202))
  })

  app.addHook('onError', async (_request, _reply, error) => {
    if (error instanceof Problem)
      metrics.count('hivemeter_event_requests_refused_total', { reason: error.code })
    else metrics.count('hivemeter_event_requests_refused_total', { reason: error.code ?? 'internal' })
  })

  app.post('/v1/events', {
    config: { scope: 'events:write' },
    schema: POST_EVENTS_SCHEMA,
    // The schema is for readers of the document; accept.ts judges the body, item by item.
    validatorCompiler: () => () => true,
    handler: async (request, reply) => {
      const mode = eventMode(request.headers['content-type'], isBinaryCloudEvent(request.headers))
      if (mode === null || !Buffer.isBuffer(request.body)) throw unsupportedMediaType()
      const body = await unpacker.unpack(request.body, request.headers['content-encoding'])
      const received = withoutForeign(receive(request, body, mode, queue), request.caller)
      for (const { code } of received.rejected)
        metrics.count('hivemeter_events_refused_total', { reason: code })
      if (received.events.length === 0) throw nothingAccepted(received)
      if (!queue.hasRoom(received.events.length, body.length + HEADER_BYTES_MAX)) throw overloaded()
      return await answer(reply, received, queue)
    },
  })
}

/** Bytes that the body will have, as far as its head says; the most where it does not. */
function announcedBytes({ headers }: FastifyRequest): number {
  const announced = Number(headers['content-length'] ?? Number.NaN)
  return announced >= 0 && announced < BODY_BYTES_MAX ? announced : BODY_BYTES_MAX
}

function receive(request: FastifyRequest, body: Buffer, mode: EventMode, queue: UsageQueue): Received {
  const items = readJsonItems(body, USAGE_BOUNDS.eventsPerRecordMax)
  if (!(items instanceof JsonItems)) {
    throw new Problem(items.fault === 'too_many' ? 'too_many_events' : 'not_json', items.detail)
  }
  const receiptMs = queue.receiptMs()
  if (receiptMs === null) throw logUnavailable(queue)
  if (mode !== 'cloudevent_binary') return receiveItems(items, mode, receiptMs)
  return receiveBinary(attributesOfHeaders(request.raw.rawHeaders), items, receiptMs)
}

async function answer(reply: FastifyReply, received: Received, queue: UsageQueue): Promise<FastifyReply> {
  const { acknowledged, unknown, notTaken } = await queue.offer(received.events)
  const { indexes, rejected } = received
  if (unknown.length === 0 && notTaken.length === 0) {
    return reply.code(202).serializer(JSON.stringify).send({ accepted: acknowledged, rejected })
  }
  const parts = {
    accepted: acknowledged,
    unknown: unknown.map((position) => indexes[position]),
    not_taken: notTaken.map((position) => indexes[position]),
    rejected,
  }
  if (unknown.length === 0) {
    throw new Problem(
      'log_unavailable',
      'Kafka took none of the events in "not_taken". Send these again.',
      parts,
      RETRY_AFTER,
    )
  }
  throw new Problem(
    'outcome_unknown',
    'Kafka did not acknowledge the events in "unknown" in time: they are in the log or not. Send these and those in "not_taken" again; an event counts once, however often it is sent.',
    parts,
    RETRY_AFTER,
  )
}

function nothingAccepted({ rejected }: Received): Problem {
  const detail =
    rejected.length === 0
      ? 'The array has no events.'
      : 'None of the events can be taken; "rejected" says why.'
  return new Problem('nothing_accepted', detail, { accepted: 0, rejected })
}

const WHY: Readonly<Record<QueueState, string>> = {
  starting: 'This gateway has not heard from Kafka yet',
  taking: "The machine's clock was set, and Kafka is asked for its time",
  away: 'Kafka takes no events now',
  stopping: 'This gateway is stopping',
}

function logUnavailable({ state }: UsageQueue): Problem {
  return new Problem(
    'log_unavailable',
    `${WHY[state]}; nothing of this request was taken. Send it again.`,
    {},
    RETRY_AFTER,
  )
}

function overloaded(): Problem {
  return new Problem(
    'overloaded',
    'More events are under way than this gateway holds; nothing of this request was taken. Send it again.',
    {},
    RETRY_AFTER,
  )
}

function unsupportedMediaType(): Problem {
  return new Problem(
    'unsupported_media_type',
    `Content-Type must be one of ${MEDIA_TYPES.join(', ')}, in UTF-8.`,
  )
}
