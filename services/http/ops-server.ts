import Fastify from 'fastify'
import type { FastifyPluginAsync } from 'fastify'
import type { Clock } from '../../pipelines/clock.ts'
import type { Logger } from '../../pipelines/logger.ts'
import { followOpsConventions } from './conventions.ts'
import { listen } from './listen.ts'
import { serverTimeouts } from './timeouts.ts'
import type { ConfigKey } from '../runtime/config.ts'

/** Longest time for a request to arrive: it consists of a head only. */
const REQUEST_TIMEOUT_MS = 10_000

/** Serves /healthz, /readyz and /metrics for a service that has no server of its own. */
export async function startOpsServer(options: {
  readonly host: string
  readonly port: number
  /** The setting that chose the port, for the message when the port is taken. */
  readonly key: ConfigKey
  readonly ops: FastifyPluginAsync
  readonly clock: Clock
  readonly logger: Logger
}): Promise<{ close(): Promise<void> }> {
  const app = Fastify({ ...serverTimeouts(REQUEST_TIMEOUT_MS), forceCloseConnections: true })
  followOpsConventions(app, options)
  await app.register(options.ops)
  await listen(app, options)
  return { close: () => app.close() }
}
