import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Clock } from '../../pipelines/clock.ts'
import { OPS_SCHEMAS } from '../../schemas/http/ops.ts'
import type { ReadyQuery } from '../../schemas/http/ops.ts'
import { isAdmin } from './caller.ts'
import { unauthorized } from './refusal.ts'

/** How old the metrics of a server may be that strangers can reach: writing them takes tens of milliseconds. */
export const METRICS_AGE_MS_MAX = 500

/** A partition that is halted until a person acts. */
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
  /** What a person should check although it does not make the service unready, in words. */
  readonly notes?: readonly string[]
}

export interface OpsSources {
  readiness(): Readiness
  /** Whether the process was requested to end: it is never ready then. */
  isLeaving?(): boolean
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  /** Who may read /metrics and the details of /readyz; without it, everybody who reaches the port. */
  readonly details?: 'public' | 'admin'
  /** Given where strangers can send requests: metrics are then written at most every `METRICS_AGE_MS_MAX`. */
  readonly clock?: Clock
}

/** Whether the service is ready, apart from what the client excludes. */
export function isReady(
  { waitingFor, halted }: Readiness,
  excluded: ReadyQuery['exclude'],
  hasBeenReady: boolean,
): boolean {
  const waits = waitingFor.length > 0 && !(excluded === 'outages' && hasBeenReady)
  return !waits && (halted.length === 0 || excluded === 'halted')
}

/** GET /healthz (checks nothing), /readyz (503 with what it waits for) and /metrics. */
export function opsRoutes(sources: OpsSources): FastifyPluginAsync {
  return async (app) => {
    const forAll = sources.details !== 'admin'
    const mayKnow = ({ caller }: FastifyRequest): boolean =>
      forAll || (caller !== undefined && isAdmin(caller))
    // Both are cheap, and load balancers request them often.
    const config = { scope: 'public', isUnlimited: true, isFleeting: true } as const
    app.get('/healthz', { config }, async () => ({ status: 'ok' }))

    let hasBeenReady = false
    const schema = OPS_SCHEMAS['/readyz']
    app.get<{ Querystring: ReadyQuery }>(
      '/readyz',
      { config: { ...config, identifiesCaller: !forAll }, schema },
      async (request, reply) => {
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
            waiting_for: mayKnow(request) ? waitingFor : [],
            halted: mayKnow(request) ? halted : [],
            ...(notes.length > 0 && mayKnow(request) && { notes }),
          })
      },
    )

    const text = metricsText(sources)
    const scope = forAll ? 'public' : 'admin'
    app.get('/metrics', { config: { scope, isFleeting: true } }, async (request, reply) => {
      // While no caller can be identified, there is no admin either.
      if (!mayKnow(request)) throw unauthorized()
      return reply.header('content-type', sources.metrics.contentType).send(await text())
    })
  }
}

/** The metrics, written once for all requests within their age. */
function metricsText({ metrics, clock }: OpsSources): () => Promise<string> {
  if (clock === undefined) return () => metrics.text()
  let text: Promise<string> | undefined
  let writtenMs = 0
  return () => {
    const nowMs = clock.monotonicMs()
    if (text !== undefined && nowMs - writtenMs < METRICS_AGE_MS_MAX) return text
    writtenMs = nowMs
    return (text = metrics.text())
  }
}
