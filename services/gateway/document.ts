import Fastify from 'fastify'
import { POST_EVENTS_SCHEMA } from '../../schemas/http/gateway.ts'
import { POST_NODE_HEARTBEAT_SCHEMA, POST_TELEMETRY_SCHEMA } from '../../schemas/http/fleet.ts'
import { POST_HEARTBEATS_SCHEMA } from '../../schemas/http/heartbeats.ts'
import { topicNames } from '../../schemas/topics.ts'
import { VERSION } from '../../schemas/version.ts'
import { settingOf } from '../runtime/config-schema.ts'
import { publishOpenApi } from '../http/openapi/openapi.ts'
import type { ApiInfo, WholeDocument } from '../http/openapi/openapi.ts'
import { opsRoutes } from '../http/ops.ts'
import { registryRoute } from './registry-route.ts'

export const GATEWAY_API: ApiInfo = {
  title: 'Hivemeter gateway',
  description: 'Takes the usage events of compute providers, and the telemetry of hosting fleets.',
  version: VERSION,
  address: `http://127.0.0.1:${String(settingOf('gatewayPort').default)}`,
  tags: [
    { name: 'events', description: 'What nodes did, and that they are there' },
    { name: 'fleet', description: 'What nodes of hosting fleets poll, and that they are there' },
    { name: 'schema registry', description: 'The schemas of usage events, for producers on Kafka' },
    { name: 'operation', description: 'For the operator' },
  ],
}

/** The routes that take bodies, as their documents describe them; a test holds them equal to the routes that it serves. */
const ROUTES = [
  { method: 'POST', url: '/v1/events', config: { scope: 'events:write' }, schema: POST_EVENTS_SCHEMA },
  {
    method: 'POST',
    url: '/v1/heartbeats',
    config: { scope: 'events:write' },
    schema: POST_HEARTBEATS_SCHEMA,
  },
  {
    method: 'POST',
    url: '/v1/fleet/telemetry',
    config: { scope: 'fleet:telemetry' },
    schema: POST_TELEMETRY_SCHEMA,
  },
  {
    method: 'POST',
    url: '/v1/fleet/heartbeat',
    config: { scope: 'fleet:telemetry' },
    schema: POST_NODE_HEARTBEAT_SCHEMA,
  },
] as const

/** The gateway's document without a gateway: for the pages of the reader. */
export async function gatewayDocument(): Promise<WholeDocument> {
  const app = Fastify()
  await publishOpenApi(app, GATEWAY_API)
  const metrics = { contentType: 'text/plain', text: async () => '' }
  await app.register(opsRoutes({ readiness: () => ({ waitingFor: [], halted: [] }), metrics }))
  for (const { method, url, config, schema } of ROUTES)
    app.route({
      method,
      url,
      config,
      schema,
      validatorCompiler: () => () => true,
      handler: async () => null,
    })
  await app.register(async (registry) => registryRoute(registry, { topic: topicNames('').usageMetered }))
  await app.ready()
  const document = app.swagger() as WholeDocument
  await app.close()
  return document
}
