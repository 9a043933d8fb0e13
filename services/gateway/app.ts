import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { LoopTurns } from '../../pipelines/in-turns.ts'
import type { Clock } from '../../pipelines/clock.ts'
import type { SharedAppend } from '../../pipelines/kafka/shared-append.ts'
import type { Logger } from '../../pipelines/logger.ts'
import type { Metrics } from '../../schemas/metrics.ts'
import { VERSION } from '../../schemas/version.ts'
import { guardRoutes } from '../access/access.ts'
import type { Access } from '../access/access.ts'
import { NO_AUDIT } from '../audit/audit-log.ts'
import type { AuditSink } from '../audit/audit-log.ts'
import { HEADERS } from '../http/headers.ts'
import { openApiText } from '../http/openapi.ts'
import { SECURITY_SCHEMES, describeAccess } from '../http/openapi-access.ts'
import { problemHandlers } from '../http/problem.ts'
import { Bodies } from '../http/bodies.ts'
import { InFlight } from '../http/in-flight.ts'
import { endLeftovers, serverTimeouts } from '../http/timeouts.ts'
import { Unpacker } from './body.ts'
import { eventsRoute } from './events-route.ts'
import { heartbeatsRoute } from './heartbeats-route.ts'
import type { UsageQueue } from './queue.ts'

/** Longest time for a whole request to arrive. */
const REQUEST_TIMEOUT_MS = 30_000

export interface GatewayParts {
  readonly queue: UsageQueue
  /** Of account.inbox. */
  readonly inbox: SharedAppend
  readonly partitions: number
  readonly access: Access
  /** Whom it refuses is told to it. */
  readonly audit?: AuditSink
  readonly logger: Logger
  readonly metrics: Metrics
  readonly clock: Clock
  /** Aborts when the process was asked to end. */
  readonly leaving?: AbortSignal
  /** /healthz, /readyz and /metrics. */
  readonly ops: FastifyPluginAsync
}

/** The gateway's HTTP server, not yet listening. */
export async function createGatewayApp(parts: GatewayParts): Promise<FastifyInstance> {
  const { queue, inbox, partitions, access, logger, metrics, clock, ops, audit = NO_AUDIT } = parts
  const app = Fastify({
    ...serverTimeouts(REQUEST_TIMEOUT_MS),
    // While it stops, the queue's state refuses with a problem as any other answer has it.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
  })
  problemHandlers(app, logger)
  await app.register(helmet, HEADERS)
  await guardRoutes(app, access, audit)
  endLeftovers(app)
  const bodies = new Bodies(app, { clock, inFlight: new InFlight(clock) })
  const unpacker = new Unpacker()
  const turns = new LoopTurns()
  app.addHook('onSend', async (_request, reply) => {
    // A connection that is kept open after its last answer would hold the stop up.
    if (queue.state === 'stopping' || parts.leaving?.aborted === true) reply.header('connection', 'close')
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown'
    const labels = { route, method: request.method, status: reply.statusCode }
    metrics.observe('hivemeter_http_request_duration_seconds', labels, reply.elapsedTime / 1_000)
  })
  describeAccess(app)
  await app.register(swagger, {
    openapi: {
      components: { securitySchemes: SECURITY_SCHEMES },
      openapi: '3.1.0',
      info: {
        title: 'Hivemeter gateway',
        description: 'Takes the usage events of compute providers.',
        version: VERSION,
      },
    },
  })
  await app.register(ops)
  await app.register(async (events) =>
    eventsRoute(events, { queue, metrics, bodies, unpacker, turns, audit }),
  )
  await app.register(async (heartbeats) =>
    heartbeatsRoute(heartbeats, { inbox, partitions, clock, metrics, bodies, unpacker, audit }),
  )
  app.get('/openapi.json', { config: { scope: 'public' }, schema: { hide: true } }, openApiText(app))
  return app
}
