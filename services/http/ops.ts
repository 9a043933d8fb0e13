import type { FastifyPluginAsync } from 'fastify'

/** A partition that stands still until a person acts. */
export interface HaltedPartition {
  readonly topic: string
  readonly partition: number
  readonly reason: string
  readonly remedy: string
}

/** Ready when it waits for nothing and nothing is halted. */
export interface Readiness {
  /** What the service waits for, in words: "the broker at 127.0.0.1:4692", "restore of partition 3". */
  readonly waitingFor: readonly string[]
  readonly halted: readonly HaltedPartition[]
}

export interface OpsSources {
  readiness(): Readiness
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
}

/** GET /healthz (touches nothing), /readyz (503 and for what it waits) and /metrics. */
export function opsRoutes(sources: OpsSources): FastifyPluginAsync {
  return async (app) => {
    const config = { scope: 'public' as const }
    app.get('/healthz', { config }, async () => ({ status: 'ok' }))

    app.get('/readyz', { config }, async (_request, reply) => {
      const { waitingFor, halted } = sources.readiness()
      const ready = waitingFor.length === 0 && halted.length === 0
      return reply
        .code(ready ? 200 : 503)
        .header('cache-control', 'no-store')
        .send({ status: ready ? 'ready' : 'not ready', waiting_for: waitingFor, halted })
    })

    app.get('/metrics', { config }, async (_request, reply) =>
      reply.header('content-type', sources.metrics.contentType).send(await sources.metrics.text()),
    )
  }
}
