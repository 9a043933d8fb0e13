import type { FastifyPluginAsync } from 'fastify'
import { OPS_SCHEMAS } from '../../schemas/http/ops.ts'
import type { ReadyQuery } from '../../schemas/http/ops.ts'

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
  /** What a person should look at though it makes nothing unready, in words. */
  readonly notes?: readonly string[]
}

export interface OpsSources {
  readiness(): Readiness
  /** Whether the process was asked to end: it is never ready then. */
  isLeaving?(): boolean
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
}

/** Whether it is ready, with what the asker leaves out. */
export function isReady(
  { waitingFor, halted }: Readiness,
  excluded: ReadyQuery['exclude'],
  hasBeenReady: boolean,
): boolean {
  const waits = waitingFor.length > 0 && !(excluded === 'outages' && hasBeenReady)
  return !waits && (halted.length === 0 || excluded === 'halted')
}

/** GET /healthz (touches nothing), /readyz (503 and for what it waits) and /metrics. */
export function opsRoutes(sources: OpsSources): FastifyPluginAsync {
  return async (app) => {
    const config = { scope: 'public' as const }
    app.get('/healthz', { config }, async () => ({ status: 'ok' }))

    let hasBeenReady = false
    const schema = OPS_SCHEMAS['/readyz']
    app.get<{ Querystring: ReadyQuery }>('/readyz', { config, schema }, async (request, reply) => {
      const readiness = sources.readiness()
      const { waitingFor, halted, notes = [] } = readiness
      hasBeenReady ||= waitingFor.length === 0
      const isLeaving = sources.isLeaving?.() === true
      const ready = !isLeaving && isReady(readiness, request.query.exclude, hasBeenReady)
      return reply
        .code(ready ? 200 : 503)
        .header('cache-control', 'no-store')
        .send({
          status: ready ? 'ready' : 'not ready',
          waiting_for: waitingFor,
          halted,
          ...(notes.length > 0 && { notes }),
        })
    })

    app.get('/metrics', { config }, async (_request, reply) =>
      reply.header('content-type', sources.metrics.contentType).send(await sources.metrics.text()),
    )
  }
}
