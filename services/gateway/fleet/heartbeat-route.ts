import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { acceptNodeHeartbeat } from '../../../pipelines/fleet/accept/accept-batch.ts'
import { JsonItems, readJsonItems } from '../../../pipelines/json/json-items.ts'
import { Refusal } from '../../../pipelines/json/refusal.ts'
import { nodeHeartbeatCodec } from '../../../schemas/fleet/codecs.ts'
import { HEARTBEAT_BYTES_MAX, POST_NODE_HEARTBEAT_SCHEMA } from '../../../schemas/http/fleet.ts'
import { noRoom } from '../../http/arrival.ts'
import { Problem, unsupportedMediaType } from '../../http/problem.ts'
import { formatTimeOrNull } from '../../http/times.ts'
import { invalidBody, logAway, requireTaken } from './fleet-problems.ts'
import { requireOwnNode } from './own-node.ts'
import type { FleetRouteParts } from './telemetry-route.ts'

/** POST /v1/fleet/heartbeat: a node is there; answered once the log has it. */
export function nodeHeartbeatRoute(
  app: FastifyInstance,
  { queue, bodies, unpacker, audit }: Omit<FleetRouteParts, 'turns' | 'metrics' | 'rates'>,
): void {
  app.addHook('onRequest', async () => {
    if (queue.state !== 'taking') throw logAway()
  })
  bodies.take(app, { mediaTypes: ['application/json'], sizeBytesMax: HEARTBEAT_BYTES_MAX })

  app.post('/v1/fleet/heartbeat', {
    config: { scope: 'fleet:telemetry' },
    schema: POST_NODE_HEARTBEAT_SCHEMA,
    // The schema is for readers of the document; accept-batch.ts judges the body.
    validatorCompiler: () => () => true,
    handler: async (request, reply) => await request.holding.during(() => handle(request, reply)),
  })

  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { body, holding } = request
    if (!Buffer.isBuffer(body)) throw unsupportedMediaType(request.mediaTypes ?? [])
    const unpacked = await unpacker.unpack(body, request.headers['content-encoding'], {
      holder: holding.holder,
      sizeBytesMax: HEARTBEAT_BYTES_MAX,
      charge: (sizeBytes) => holding.take(bodies.bytes, sizeBytes),
    })
    const items = readJsonItems(unpacked, 1)
    if (!(items instanceof JsonItems) || items.isArray) {
      const detail = items instanceof JsonItems ? 'The body is an array, not a heartbeat.' : items.detail
      throw new Problem('not_json', detail)
    }
    const item = items.read(0)
    const heartbeat = item instanceof Refusal ? item : acceptNodeHeartbeat(item)
    if (heartbeat instanceof Refusal) throw invalidBody(heartbeat)
    requireOwnNode(request, audit, heartbeat)
    const value = nodeHeartbeatCodec.encode(heartbeat)
    if (!queue.hasRoom(1, value.length)) throw noRoom()
    const offered = queue.offer([{ providerId: heartbeat.provider_id, value }])
    const { logTimeMs } = requireTaken(await offered)
    return reply.code(202).send({ log_time: formatTimeOrNull(logTimeMs) })
  }
}
