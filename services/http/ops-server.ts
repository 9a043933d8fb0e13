import Fastify from 'fastify'
import type { FastifyPluginAsync } from 'fastify'
import { listen } from './listen.ts'
import type { ConfigKey } from '../config.ts'

/** Serves /healthz, /readyz and /metrics for a service that has no server of its own. */
export async function startOpsServer(options: {
  readonly host: string
  readonly port: number
  /** The setting that chose the port, for the message when it is taken. */
  readonly key: ConfigKey
  readonly ops: FastifyPluginAsync
}): Promise<{ close(): Promise<void> }> {
  const app = Fastify({ forceCloseConnections: true })
  await app.register(options.ops)
  await listen(app, options)
  return { close: () => app.close() }
}
