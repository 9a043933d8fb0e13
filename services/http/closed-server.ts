import Fastify from 'fastify'
import type { ServiceParts } from '../runtime/process.ts'
import { listen } from './listen.ts'
import { readLeftovers } from './leftovers.ts'
import { serverTimeouts } from './timeouts.ts'
import { Problem, problemHandlers, sendProblem } from './problem.ts'
import type { ServiceName } from '../../schemas/services.ts'
import { RETRY_LOADING_S, retryAfter } from './retry-after.ts'

/** Longest time for a request to arrive: its body is not read. */
const REQUEST_TIMEOUT_MS = 10_000

/** Answers in the place of a server that has no layout to run on now. */
export interface ClosedServer {
  stop(): Promise<void>
}

/**
 * Listens where gateway or reader would: /healthz, /readyz and /metrics answer; everything else gets 503 with
 * Retry-After, at once and before its body is read. For a service that has no server of its own nothing is opened.
 */
export async function openClosedServer(
  name: ServiceName,
  { config, logger, clock, ops }: ServiceParts,
  waitsFor: string,
): Promise<ClosedServer | undefined> {
  if (name !== 'gateway' && name !== 'reader') return undefined
  const app = Fastify({
    ...serverTimeouts(REQUEST_TIMEOUT_MS),
    forceCloseConnections: true,
  })
  problemHandlers(app, logger)
  readLeftovers(app, clock)
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.url !== undefined) return undefined
    const detail = `This server waits for ${waitsFor}; nothing of this request was taken. Send it again.`
    return sendProblem(
      request,
      reply.header('connection', 'close'),
      new Problem('log_unavailable', detail, {}, retryAfter(RETRY_LOADING_S)),
    )
  })
  await app.register(ops)
  const host = name === 'gateway' ? config.gatewayHost : config.readerHost
  const port = name === 'gateway' ? config.gatewayPort : config.readerPort
  await listen(app, { host, port, key: name === 'gateway' ? 'gatewayPort' : 'readerPort' })
  return { stop: () => app.close() }
}
