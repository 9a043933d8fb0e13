import type { FastifyInstance, FastifyRequest } from 'fastify'
import { pathOf } from './methods.ts'
import type { Methods } from './methods.ts'

/** How long a browser may keep the answer about a path. */
const PREFLIGHT_AGE_S = 600

/** Headers that a page may send: all that any route reads. */
const TAKEN = [
  'accept',
  'authorization',
  'content-encoding',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
].join(', ')

/** Headers of answers that a page's script may read. */
const SHOWN = [
  'allow',
  'content-disposition',
  'etag',
  'hivemeter-as-of',
  'hivemeter-from',
  'hivemeter-to',
  'hivemeter-tz',
  'link',
  'retry-after',
  'www-authenticate',
].join(', ')

/** The origins of the setting. */
export function originsOf(setting: string): readonly string[] {
  return setting === '' ? [] : setting.split(',')
}

/** Whether pages of this origin may send requests; `*` among the origins allows all. */
export function isAllowedOrigin(origin: string | undefined, origins: readonly string[]): boolean {
  return origin !== undefined && (origins.includes(origin) || origins.includes('*'))
}

/**
 * Lets scripts of web pages from these origins send requests and read answers, with the credential that they have:
 * cookies are not used here. Without origins no header is ever sent. Call it before access, so that the page can read
 * refusals too.
 */
export function allowOrigins(app: FastifyInstance, origins: readonly string[], methods: Methods): void {
  if (origins.length === 0) return
  app.addHook('onRequest', async (request, reply) => {
    reply.header('vary', 'Origin')
    const { origin } = request.headers
    if (origin === undefined || !isAllowedOrigin(origin, origins)) return undefined
    reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', SHOWN)
    if (!isPreflight(request)) return undefined
    // A browser sends such a request by itself, without a credential.
    const allowed = methods.of(pathOf(request))
    if (allowed.length === 0) return undefined
    return await reply
      .code(204)
      .header('access-control-allow-methods', allowed.join(', '))
      .header('access-control-allow-headers', TAKEN)
      .header('access-control-max-age', String(PREFLIGHT_AGE_S))
      .send()
  })
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
}
