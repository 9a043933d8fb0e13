import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Clock } from '../../pipelines/clock.ts'
import { LOOPBACK_CALLER, NOBODY, isAdmin } from '../http/caller.ts'
import type { Caller } from '../http/caller.ts'
import { refuseForeign } from '../http/foreign.ts'
import { Problem } from '../http/problem.ts'
import { unauthorized, unavailable } from '../http/refusal.ts'
import type { JwtCallers } from './jwt.ts'
import type { KeyRing } from './key-ring.ts'

/** Requests without a valid credential that one address may make in a minute before it has to wait. */
export const REFUSALS_PER_MINUTE_MAX = 120

/** Requests for what everybody may read that one address may make in a second. */
export const PUBLIC_REQUESTS_PER_SECOND_MAX = 50

const RETRY_WHILE_LOADING_S = 2
const RETRY_WHILE_UNKNOWN_S = 10
const MINUTE_MS = 60_000
const SECOND_MS = 1_000

/** How callers are known: by keys and tokens, or, on loopback only, not at all. */
export type Access =
  | { readonly mode: 'off' }
  | {
      readonly mode: 'required'
      readonly keys: KeyRing
      readonly jwt: JwtCallers | undefined
      /** False until every key has been read: nobody can be told that a key is wrong. */
      readonly isLoaded: () => boolean
      /** False once the keys have not been followed for so long that one of them may have been revoked. */
      readonly isBelieved: () => boolean
      readonly requestsPerSecondMax: number
      readonly clock: Clock
    }

/**
 * Guards every route that is registered after this: each declares the scope that it needs (`config.scope`), and one that
 * does not is refused when it is registered. Sets `request.caller`.
 */
export async function guardRoutes(app: FastifyInstance, access: Access): Promise<void> {
  app.decorateRequest('caller')
  app.addHook('onRoute', (route) => {
    if (route.config?.scope === undefined) {
      throw new Error(
        `The route ${String(route.method)} ${route.url} declares no scope: nobody knows who may call it.`,
      )
    }
  })
  await app.register(rateLimit, { global: false })
  const byReader = app.createRateLimit({
    max: PUBLIC_REQUESTS_PER_SECOND_MAX,
    timeWindow: SECOND_MS,
    keyGenerator: (request: FastifyRequest) => `public ${request.ip}`,
  })
  const limitPublic = async (request: FastifyRequest): Promise<void> => {
    const { scope, isUnlimited } = request.routeOptions.config
    if (scope !== 'public' || isUnlimited === true) return
    const counted = await byReader(request)
    if ('isExceeded' in counted && counted.isExceeded) throw tooMany(counted.ttlInSeconds)
  }
  if (access.mode === 'off') {
    app.addHook('onRequest', async (request) => {
      refuseForeign(request)
      request.caller = LOOPBACK_CALLER
      await limitPublic(request)
    })
    return
  }
  const byCaller = app.createRateLimit({
    max: access.requestsPerSecondMax,
    timeWindow: SECOND_MS,
    keyGenerator: (request: FastifyRequest) => request.caller.id,
  })
  const byAddress = app.createRateLimit({
    max: REFUSALS_PER_MINUTE_MAX,
    timeWindow: MINUTE_MS,
    keyGenerator: (request: FastifyRequest) => `refused ${request.ip}`,
  })
  const refuse = async (request: FastifyRequest): Promise<Problem> => {
    const refused = await byAddress(request)
    return 'isExceeded' in refused && refused.isExceeded ? tooMany(refused.ttlInSeconds) : unauthorized()
  }
  /** Whoever shows no credential is nobody; whoever shows a wrong one guesses. */
  const callerIfAny = async (request: FastifyRequest): Promise<Caller> => {
    if (request.headers.authorization === undefined) return NOBODY
    const caller = await callerOf(request, access)
    if (caller === null) throw await refuse(request)
    return caller
  }
  app.addHook('onRequest', async (request) => {
    request.caller = NOBODY
    const { scope, asksWho } = request.routeOptions.config
    // A path without a route declares none, and gets its 404.
    if (scope === undefined) return
    if (scope === 'public') {
      await limitPublic(request)
      if (asksWho === true && access.isLoaded()) request.caller = await callerIfAny(request)
      return
    }
    if (!access.isLoaded()) throw loading()
    const caller = await callerOf(request, access)
    if (caller === null) throw await refuse(request)
    request.caller = caller
    const counted = await byCaller(request)
    if ('isExceeded' in counted && counted.isExceeded) throw tooMany(counted.ttlInSeconds)
    if (!isAdmin(caller) && !caller.scopes.has(scope)) throw insufficient(scope)
  })
}

async function callerOf(
  request: FastifyRequest,
  { keys, jwt, clock, isBelieved }: Extract<Access, { mode: 'required' }>,
): Promise<Caller | null> {
  const [scheme = '', token = ''] = (request.headers.authorization ?? '').split(' ', 2)
  if (scheme.toLowerCase() !== 'bearer') return null
  if (token.startsWith('hm_')) {
    if (!isBelieved()) throw accessUnknown()
    return keys.caller(token, clock.nowMs())
  }
  return (await jwt?.(token)) ?? null
}

function loading(): Problem {
  return unavailable(
    'state_loading',
    'The keys are being read from the log. Ask again in a moment.',
    RETRY_WHILE_LOADING_S,
  )
}

function accessUnknown(): Problem {
  return unavailable(
    'access_unknown',
    'Whether keys are still in force cannot be known now: their log cannot be followed. Tokens are still taken.',
    RETRY_WHILE_UNKNOWN_S,
  )
}

function insufficient(scope: string): Problem {
  return new Problem(
    'insufficient_scope',
    `This credential does not have the scope ${scope}.`,
    { error: `insufficient scope: ${scope}` },
    { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
  )
}

function tooMany(seconds: number): Problem {
  const retryAfter = String(Math.max(1, Math.ceil(seconds)))
  return new Problem(
    'rate_limited',
    'More requests than this credential or address may make.',
    {},
    { 'retry-after': retryAfter },
  )
}
