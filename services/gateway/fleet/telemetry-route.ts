import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { LoopTurns } from '../../../pipelines/in-turns.ts'
import { BATCH_BYTES_MAX } from '../../../schemas/fleet/bounds.ts'
import { PACKED_BATCH_TYPE, POST_TELEMETRY_SCHEMA } from '../../../schemas/http/fleet.ts'
import { NO_CONFIGURATION } from '../../../schemas/http/fleet-nodes.ts'
import type { Metrics } from '../../../schemas/metrics.ts'
import type { AuditSink } from '../../audit/audit-log.ts'
import { noRoom } from '../../http/arrival.ts'
import type { Bodies } from '../../http/bodies.ts'
import { Problem, unsupportedMediaType } from '../../http/problem.ts'
import { Shares } from '../../http/shares.ts'
import { formatTimeOrNull } from '../../http/times.ts'
import type { Unpacker } from '../body.ts'
import { WAITING_BYTES_MAX } from '../queue/record-queue.ts'
import type { RecordQueue } from '../queue/record-queue.ts'
import { recordsOf } from './batch-records.ts'
import type { FleetRecord } from './fleet-queue.ts'
import { logAway, requireTaken } from './fleet-problems.ts'
import type { LaneRates } from './lane-rates.ts'
import { requireOwnNode } from './own-node.ts'
import { sentAsJson, sentPacked } from './sent-batch.ts'

export interface FleetRouteParts {
  readonly queue: RecordQueue<FleetRecord>
  readonly metrics: Metrics
  readonly bodies: Bodies
  readonly unpacker: Unpacker
  /** For bodies that take long. */
  readonly turns: LoopTurns
  readonly audit: AuditSink
  /** By which a node is told how fast it may replay. */
  readonly rates: LaneRates
}

/** POST /v1/fleet/telemetry: a batch of one node, answered once the log has it. */
export function telemetryRoute(app: FastifyInstance, parts: FleetRouteParts): void {
  const { queue, metrics, bodies, unpacker, turns, audit, rates } = parts
  // Shares of what the queue holds, so that no credential fills it alone.
  const waitingBytes = new Shares(WAITING_BYTES_MAX)

  app.addHook('onRequest', async () => {
    if (queue.state !== 'taking') throw logAway()
    if (!queue.hasRoom(1, 0)) throw noRoom()
  })
  bodies.take(app, { mediaTypes: ['application/json', PACKED_BATCH_TYPE], sizeBytesMax: BATCH_BYTES_MAX })

  app.post('/v1/fleet/telemetry', {
    config: { scope: 'fleet:telemetry' },
    schema: POST_TELEMETRY_SCHEMA,
    // The schema is for readers of the document; pipelines/fleet/accept judges the body, item by item.
    validatorCompiler: () => () => true,
    handler: async (request, reply) => await request.holding.during(() => handle(request, reply)),
  })

  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { holding } = request
    if (!Buffer.isBuffer(request.body)) throw unsupportedMediaType(request.mediaTypes ?? [])
    const body = await unpacker.unpack(request.body, request.headers['content-encoding'], {
      holder: holding.holder,
      sizeBytesMax: BATCH_BYTES_MAX,
      charge: (sizeBytes) => holding.take(bodies.bytes, sizeBytes),
    })
    const pause = () => turns.pause(holding.holder)
    const isPacked = isPackedType(request.headers['content-type'])
    const { head, judge } = isPacked ? sentPacked(body, pause) : await sentAsJson(body, pause)
    requireOwnNode(request, audit, head)
    const receiptMs = queue.receiptMs()
    if (receiptMs === null) throw logAway()
    const { items, refused } = await judge(receiptMs)
    if (items.length === 0) throw new Problem('nothing_accepted', 'The batch has no items.')
    for (const [reason, those] of Map.groupBy(refused, ({ code }) => code))
      metrics.count('hivemeter_fleet_items_refused_total', { reason }, those.length)
    const records = recordsOf(head, items)
    const sizeBytes = records.reduce((sum, { value }) => sum + value.length, 0)
    if (!holding.take(waitingBytes, sizeBytes) || !queue.hasRoom(records.length, sizeBytes)) throw noRoom()
    const { logTimeMs } = requireTaken(await queue.offer(records))
    return reply.code(202).send({
      log_time: formatTimeOrNull(logTimeMs),
      accepted: items.length - refused.length,
      refused,
      replay_budget: rates.took(head, items.length),
      config_version: NO_CONFIGURATION,
    })
  }
}

/** The type without its parameters. */
function isPackedType(contentType: string | undefined): boolean {
  return contentType?.split(';', 1)[0]?.trim().toLowerCase() === PACKED_BATCH_TYPE
}
