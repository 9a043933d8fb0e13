import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { acceptHeartbeat, hasHeartbeatNames } from '../../pipelines/account/accept-heartbeat.ts'
import type { Clock } from '../../pipelines/clock.ts'
import { ProduceError } from '../../pipelines/log/producer.ts'
import { APPEND_WAITING_MAX } from '../../pipelines/log/shared-append.ts'
import type { SharedAppend } from '../../pipelines/log/shared-append.ts'
import { Refusal } from '../../pipelines/json/refusal.ts'
import { JsonItems, readJsonItems } from '../../pipelines/json/json-items.ts'
import { inboxHeartbeatCodec } from '../../schemas/avro.ts'
import {
  HEARTBEATS_BYTES_MAX,
  HEARTBEATS_MAX,
  POST_HEARTBEATS_SCHEMA,
} from '../../schemas/http/heartbeats.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import type { Metrics } from '../../schemas/metrics.ts'
import type { InboxHeartbeat } from '../../schemas/records.ts'
import type { AuditSink } from '../audit/audit-log.ts'
import { noRoom } from '../http/arrival.ts'
import type { Bodies } from '../http/bodies.ts'
import { isAdmin, maySee } from '../http/caller.ts'
import type { Caller } from '../http/caller.ts'
import { Problem } from '../http/problem.ts'
import { Shares } from '../http/shares.ts'
import type { Unpacker } from './body.ts'
import { FOREIGN, NONE_FOREIGN, reportForeign, withForeign } from './foreign-nodes.ts'
import type { Foreign } from './foreign-nodes.ts'
import { RecentContacts } from './recent-contacts.ts'
import { RETRY_BUSY_S, retryAfter } from '../http/retry-after.ts'

export interface HeartbeatsRouteParts {
  /** Producer of account.inbox. */
  readonly inbox: SharedAppend
  readonly partitions: number
  readonly clock: Clock
  readonly metrics: Metrics
  readonly bodies: Bodies
  readonly unpacker: Unpacker
  readonly audit: AuditSink
}

interface Rejected {
  readonly index: number
  readonly heartbeat_id: string | null
  readonly code: string
  readonly path: string
  readonly detail: string
}

/** POST /v1/heartbeats: one or an array; answered once the broker has those that hold something new. */
export function heartbeatsRoute(app: FastifyInstance, parts: HeartbeatsRouteParts): void {
  const { inbox, partitions, clock, metrics, bodies, unpacker, audit } = parts
  const contacts = new RecentContacts()
  // Shares of what the inbox holds, so that no credential fills it alone.
  const waiting = new Shares(APPEND_WAITING_MAX)
  bodies.take(app, { mediaTypes: ['application/json'], sizeBytesMax: HEARTBEATS_BYTES_MAX })

  app.post('/v1/heartbeats', {
    config: { scope: 'events:write' },
    schema: POST_HEARTBEATS_SCHEMA,
    // The schema is for readers of the document; accept-heartbeat.ts judges the body, item by item.
    validatorCompiler: () => () => true,
    handler: async (request, reply) => await request.holding.during(() => handle(request, reply)),
  })

  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { body, holding } = request
    if (!Buffer.isBuffer(body))
      throw new Problem('unsupported_media_type', 'Content-Type must be application/json.')
    const unpacked = await unpacker.unpack(body, request.headers['content-encoding'], {
      holder: holding.holder,
      sizeBytesMax: HEARTBEATS_BYTES_MAX,
      charge: (sizeBytes) => holding.take(bodies.bytes, sizeBytes),
    })
    const items = readJsonItems(unpacked, HEARTBEATS_MAX)
    if (!(items instanceof JsonItems))
      throw new Problem(items.fault === 'too_many' ? 'too_many_events' : 'not_json', items.detail)
    const { heartbeats, rejected, foreign } = judge(items, request.caller)
    reportForeign(audit, request, foreign)
    if (heartbeats.length === 0) throw nothingAccepted(rejected)
    const nowMs = clock.monotonicMs()
    const news = heartbeats.filter((heartbeat) => contacts.isNews(heartbeat, nowMs))
    if (!holding.take(waiting, news.length) || !inbox.hasRoom(news.length)) throw noRoom()
    await write(inbox, partitions, news)
    for (const heartbeat of news) contacts.wrote(heartbeat, nowMs)
    metrics.count('hivemeter_heartbeats_total', { outcome: 'written' }, news.length)
    metrics.count('hivemeter_heartbeats_total', { outcome: 'nothing_new' }, heartbeats.length - news.length)
    return reply.code(202).send({ accepted: heartbeats.length, rejected })
  }
}

interface Judged {
  readonly heartbeats: InboxHeartbeat[]
  readonly rejected: Rejected[]
  readonly foreign: Foreign
}

function judge(items: JsonItems, caller: Caller): Judged {
  let foreign = NONE_FOREIGN
  const heartbeats: InboxHeartbeat[] = []
  const rejected: Rejected[] = []
  for (let index = 0; index < items.count; index += 1) {
    const item = items.read(index, hasHeartbeatNames)
    const judged = item instanceof Refusal ? item : acceptHeartbeat(item, isAdmin(caller))
    const isForeign = !(judged instanceof Refusal) && !maySee(caller, judged.node_id)
    if (isForeign) foreign = withForeign(foreign, judged.node_id)
    const result = isForeign ? FOREIGN : judged
    if (result instanceof Refusal) {
      const { code, path, detail } = result
      rejected.push({ index, heartbeat_id: idOf(items.parsed(index)), code, path, detail })
    } else heartbeats.push(result)
  }
  return { heartbeats, rejected, foreign }
}

async function write(
  inbox: SharedAppend,
  partitions: number,
  heartbeats: readonly InboxHeartbeat[],
): Promise<void> {
  if (heartbeats.length === 0) return
  try {
    await inbox.append(
      heartbeats.map((heartbeat) => ({
        partition: partitionOfNode(heartbeat.node_id, partitions),
        key: heartbeat.node_id,
        value: inboxHeartbeatCodec.encode(heartbeat),
      })),
    )
  } catch (error) {
    if (!(error instanceof ProduceError)) throw error
    if (!error.mayBeStored) {
      throw refuse(
        'log_unavailable',
        'Kafka takes no heartbeats of these nodes now; nothing was taken. Send them again.',
      )
    }
    throw refuse(
      'outcome_unknown',
      'Kafka did not acknowledge the heartbeats in time: they are in the log or not. Send them again under the same heartbeat_id.',
    )
  }
}

function refuse(code: 'outcome_unknown' | 'log_unavailable', detail: string): Problem {
  return new Problem(code, detail, {}, retryAfter(RETRY_BUSY_S))
}

function nothingAccepted(rejected: readonly Rejected[]): Problem {
  const detail =
    rejected.length === 0
      ? 'The array has no heartbeats.'
      : 'None of the heartbeats can be taken; "rejected" says why.'
  return new Problem('nothing_accepted', detail, { accepted: 0, rejected })
}

/** The id as it was sent, where it can be an id. */
function idOf(item: unknown): string | null {
  const id = (item as { heartbeat_id?: unknown } | null)?.heartbeat_id
  return typeof id === 'string' && id.length <= 256 ? id : null
}
