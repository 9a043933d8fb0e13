import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { LoopTurns } from '../../../pipelines/in-turns.ts'
import { JsonItems, readJsonItemsInTurns, withoutMark } from '../../../pipelines/json/json-items.ts'
import { ITEM_END, readJsonLines } from '../../../pipelines/json/json-lines.ts'
import { POST_EVENTS_SCHEMA } from '../../../schemas/http/gateway.ts'
import type { Metrics } from '../../../schemas/metrics.ts'
import { USAGE_BOUNDS } from '../../../schemas/usage.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import type { AuditSink } from '../../audit/audit-log.ts'
import { Problem, problemOf, unsupportedMediaType } from '../../http/problem.ts'
import type { Bodies } from '../../http/bodies.ts'
import { Shares } from '../../http/shares.ts'
import { noRoom } from '../../http/arrival.ts'
import { answerText, writeList } from '../../http/written/written-list.ts'
import type { WrittenList } from '../../http/written/written-list.ts'
import { BODY_BYTES_MAX } from '../body.ts'
import type { Unpacker } from '../body.ts'
import { reportForeign } from '../foreign-nodes.ts'
import { attributesOfHeaders, isBinaryCloudEvent } from './cloudevent-headers.ts'
import { JSON_SUFFIX, MEDIA_TYPES, eventMode } from './media-type.ts'
import type { EventMode } from './media-type.ts'
import { WAITING_BYTES_MAX, WAITING_EVENTS_MAX } from '../queue/record-queue.ts'
import type { QueueState, RecordQueue } from '../queue/record-queue.ts'
import { receiveBinary, receiveItems, roundedOf, withoutForeign } from './receive.ts'
import type { Received } from './receive.ts'
import { RETRY_BUSY_S, retryAfter } from '../../http/retry-after.ts'

/** The most bytes that a header of binary mode may add to an event beyond its body. */
const HEADER_BYTES_MAX = 16_384

export interface EventsRouteParts {
  readonly queue: RecordQueue<UsageEvent>
  readonly metrics: Metrics
  readonly bodies: Bodies
  readonly unpacker: Unpacker
  /** For bodies that take long. */
  readonly turns: LoopTurns
  readonly audit: AuditSink
}

/**
 * POST /v1/events: reads the body, judges each event, gives the accepted ones to the queue, and answers once the broker
 * has them.
 */
export function eventsRoute(app: FastifyInstance, parts: EventsRouteParts): void {
  const { queue, metrics, bodies, unpacker, turns, audit } = parts
  // Shares of what the queue holds, so that no credential fills it alone.
  const waitingEvents = new Shares(WAITING_EVENTS_MAX)
  const waitingBytes = new Shares(WAITING_BYTES_MAX)

  app.addHook('onRequest', async () => {
    if (queue.state !== 'taking') throw logUnavailable(queue)
    if (!queue.hasRoom(1, 0)) throw noRoom()
  })
  // The body stays bytes: its numbers are read from their text, and its limits also hold after unpacking.
  bodies.take(app, { mediaTypes: MEDIA_TYPES, suffix: JSON_SUFFIX, sizeBytesMax: BODY_BYTES_MAX })
  // The Python SDK of CloudEvents sends no content type; data of binary mode is JSON by its attributes.
  app.addHook('onRequest', async (request) => {
    const { headers } = request.raw
    const isBinary = isBinaryCloudEvent(headers)
    if (isBinary) headers['content-type'] ??= 'application/json'
    if (eventMode(headers['content-type'], isBinary) === null)
      throw unsupportedMediaType(request.mediaTypes ?? [])
  })

  app.addHook('onError', async (request, _reply, error) => {
    metrics.count('hivemeter_event_requests_refused_total', { reason: problemOf(error, request).code })
  })

  app.post('/v1/events', {
    config: { scope: 'events:write' },
    schema: POST_EVENTS_SCHEMA,
    // The schema is for readers of the document; accept.ts judges the body, item by item.
    validatorCompiler: () => () => true,
    handler: async (request, reply) => await request.holding.during(() => handle(request, reply)),
  })

  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { holding } = request
    const mode = eventMode(request.headers['content-type'], isBinaryCloudEvent(request.headers))
    if (mode === null || !Buffer.isBuffer(request.body)) throw unsupportedMediaType(request.mediaTypes ?? [])
    const body = await unpacker.unpack(request.body, request.headers['content-encoding'], {
      holder: holding.holder,
      sizeBytesMax: BODY_BYTES_MAX,
      charge: (sizeBytes) => holding.take(bodies.bytes, sizeBytes),
    })
    const pause = () => turns.pause(holding.holder)
    const received = withoutForeign(await receive(request, body, mode, { queue, pause }), request.caller)
    reportForeign(audit, request, received.foreign)
    for (const [reason, refused] of Map.groupBy(received.rejected, ({ code }) => code))
      metrics.count('hivemeter_events_refused_total', { reason }, refused.length)
    const { events } = received
    const rejected = await writeList(received.rejected, pause)
    if (events.length === 0) throw nothingAccepted(received.rejected.length > 0, rejected)
    // Room for all of them before the first is offered: a request is taken whole or not at all.
    const sizeBytes = body.length + HEADER_BYTES_MAX
    const hasShare = holding.take(waitingEvents, events.length) && holding.take(waitingBytes, sizeBytes)
    if (!hasShare || !queue.hasRoom(events.length, sizeBytes)) throw noRoom()
    return await answer(reply, received, rejected, queue)
  }
}

async function receive(
  request: FastifyRequest,
  body: Buffer,
  mode: EventMode,
  { queue, pause }: { readonly queue: RecordQueue<UsageEvent>; readonly pause: () => Promise<void> },
): Promise<Received> {
  const { eventsPerRecordMax } = USAGE_BOUNDS
  const separator = mode === 'lines' ? ITEM_END.line : mode === 'sequence' ? ITEM_END.record : null
  const items =
    separator === null
      ? await readJsonItemsInTurns(body, eventsPerRecordMax, pause)
      : await readJsonLines(withoutMark(body), separator, eventsPerRecordMax, pause)
  if (!(items instanceof JsonItems)) {
    throw new Problem(items.fault === 'too_many' ? 'too_many_events' : 'not_json', items.detail)
  }
  const receiptMs = queue.receiptMs()
  if (receiptMs === null) throw logUnavailable(queue)
  if (mode !== 'cloudevent_binary') return await receiveItems(items, mode, receiptMs, pause)
  return receiveBinary(attributesOfHeaders(request.raw.rawHeaders), items, receiptMs)
}

async function answer(
  reply: FastifyReply,
  received: Received,
  rejected: WrittenList,
  queue: RecordQueue<UsageEvent>,
): Promise<FastifyReply> {
  const { acknowledged, unknown, notTaken } = await queue.offer(received.events)
  const { indexes } = received
  const rounded = roundedOf(received)
  if (unknown.length === 0 && notTaken.length === 0) {
    // With a serializer of our own, nothing else states the type of the text.
    reply.code(202).type('application/json; charset=utf-8').serializer(answerText)
    return reply.send({ accepted: acknowledged, rejected, rounded })
  }
  const parts = {
    accepted: acknowledged,
    unknown: unknown.map((position) => indexes[position]),
    not_taken: notTaken.map((position) => indexes[position]),
    rejected,
    rounded,
  }
  if (unknown.length === 0) {
    throw new Problem(
      'log_unavailable',
      'Kafka took none of the events in "not_taken". Send these again.',
      parts,
      retryAfter(RETRY_BUSY_S),
    )
  }
  throw new Problem(
    'outcome_unknown',
    'Kafka did not acknowledge the events in "unknown" in time: they are in the log or not. Send these and those in "not_taken" again; an event counts once, however often it is sent.',
    parts,
    retryAfter(RETRY_BUSY_S),
  )
}

function nothingAccepted(isAnyRejected: boolean, rejected: WrittenList): Problem {
  const detail = isAnyRejected
    ? 'None of the events can be taken; "rejected" says why.'
    : 'The array has no events.'
  return new Problem('nothing_accepted', detail, { accepted: 0, rejected, rounded: 0 })
}

const WHY: Readonly<Record<QueueState, string>> = {
  starting: 'This gateway has not heard from Kafka yet',
  taking: "The machine's clock was set, and Kafka is asked for its time",
  away: 'Kafka takes no events now',
  stopping: 'This gateway is stopping',
}

function logUnavailable({ state }: RecordQueue<UsageEvent>): Problem {
  return new Problem(
    'log_unavailable',
    `${WHY[state]}; nothing of this request was taken. Send it again.`,
    {},
    retryAfter(RETRY_BUSY_S),
  )
}
