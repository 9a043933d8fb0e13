import Fastify from 'fastify'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { LoopTurns } from '../../pipelines/in-turns.ts'
import type { Clock } from '../../pipelines/clock.ts'
import type { SharedAppend } from '../../pipelines/log/shared-append.ts'
import type { Logger } from '../../pipelines/logger.ts'
import type { Metrics } from '../../schemas/metrics.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import type { Access } from '../access/access.ts'
import type { AuditSink } from '../audit/audit-log.ts'
import { NO_AUDIT } from '../audit/audit-log.ts'
import { Bodies } from '../http/bodies.ts'
import { followConventions } from '../http/conventions.ts'
import { InFlight } from '../http/in-flight.ts'
import { publishOpenApi } from '../http/openapi/openapi.ts'
import { serverTimeouts } from '../http/timeouts.ts'
import { Unpacker } from './body.ts'
import type { FleetRecord } from './fleet/fleet-queue.ts'
import { nodeHeartbeatRoute } from './fleet/heartbeat-route.ts'
import { LaneRates } from './fleet/lane-rates.ts'
import { telemetryRoute } from './fleet/telemetry-route.ts'
import { heartbeatsRoute } from './heartbeats-route.ts'
import { GATEWAY_API } from './document.ts'
import type { RecordQueue } from './queue/record-queue.ts'
import { registryRoute } from './registry-route.ts'
import { eventsRoute } from './usage/events-route.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/** Longest time for a whole request to arrive. */
const REQUEST_TIMEOUT_MS = 30_000

export interface GatewayParts {
  /** Producer of usage.metered. */
  readonly queue: RecordQueue<UsageEvent>
  /** Producer of fleet.inbox. */
  readonly fleet: RecordQueue<FleetRecord>
  /** Producer of account.inbox. */
  readonly inbox: SharedAppend
  readonly partitions: number
  /** Name of usage.metered. */
  readonly topic: string
  readonly access: Access
  /** Where refused callers are reported. */
  readonly audit?: AuditSink
  /** See `ConventionParts`. */
  readonly corsOrigins?: readonly string[]
  readonly logger: Logger
  readonly metrics: Metrics
  readonly clock: Clock
  /** Aborts when the process is requested to end. */
  readonly leaving?: AbortSignal
  /** The routes /healthz, /readyz and /metrics. */
  readonly ops: FastifyPluginAsync
}

/** The gateway's HTTP server, not yet listening. */
export async function createGatewayApp(parts: GatewayParts): Promise<FastifyInstance> {
  const { queue, fleet, inbox, partitions, topic, access, logger, metrics, clock, ops } = parts
  const { audit = NO_AUDIT } = parts
  const app = Fastify({
    ...serverTimeouts(REQUEST_TIMEOUT_MS),
    // While it stops, the queue's state refuses with a problem in the same form as any other answer.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
  })
  await followConventions(app, { access, audit, corsOrigins: parts.corsOrigins ?? [], clock, logger })
  const bodies = new Bodies(app, { clock, inFlight: new InFlight(clock) })
  const unpacker = new Unpacker()
  const turns = new LoopTurns()
  app.addHook('onSend', async (_request, reply) => {
    // A connection that stays open after its last answer would delay the stop.
    if (queue.state === 'stopping' || parts.leaving?.aborted === true) reply.header('connection', 'close')
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown'
    const labels = { route, method: request.method, status: reply.statusCode }
    metrics.observe('hivemeter_http_request_duration_seconds', labels, reply.elapsedTime / SECOND_MS)
  })
  await publishOpenApi(app, GATEWAY_API)
  await app.register(ops)
  await app.register(async (events) =>
    eventsRoute(events, { queue, metrics, bodies, unpacker, turns, audit }),
  )
  await app.register(async (heartbeats) =>
    heartbeatsRoute(heartbeats, { inbox, partitions, clock, metrics, bodies, unpacker, audit }),
  )
  const rates = new LaneRates(partitions, clock)
  const fleetParts = { queue: fleet, metrics, bodies, unpacker, turns, audit, rates }
  await app.register(async (telemetry) => telemetryRoute(telemetry, fleetParts))
  await app.register(async (heartbeat) => nodeHeartbeatRoute(heartbeat, fleetParts))
  await app.register(async (registry) => registryRoute(registry, { topic }))
  return app
}
