import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Clock } from '../../pipelines/clock.ts'
import { NO_AUDIT } from '../audit/audit-log.ts'
import type { AuditSink } from '../audit/audit-log.ts'
import type { Refusal } from '../audit/refusals.ts'
import { LOOPBACK_CALLER, NOBODY, holderOf, isAdmin } from '../http/caller.ts'
import type { Caller } from '../http/caller.ts'
import { refuseForeign } from '../http/foreign.ts'
import { ForeignNode } from '../http/foreign-node.ts'
import { Problem } from '../http/problem.ts'
import { unauthorized, unavailable } from '../http/refusal.ts'
import type { JwtCallers } from './jwt.ts'
import type { KeyRing } from './key-ring.ts'
import { MINUTE_MS, SECOND_MS } from '../../schemas/units.ts'
import { RETRY_LOADING_S, RETRY_LOG_UNKNOWN_S, retryAfter } from '../http/retry-after.ts'

/** Requests without a valid credential that one address may make in a minute before it has to wait. */
export const REFUSALS_PER_MINUTE_MAX = 120

/** Requests to public routes that one address may make in a second. */
export const PUBLIC_REQUESTS_PER_SECOND_MAX = 50

/** How callers are identified: by keys and tokens or, on loopback only, not at all. */
export type Access =
  | { readonly mode: 'off' }
  | {
      readonly mode: 'required'
      readonly keys: KeyRing
      readonly jwt: JwtCallers | undefined
      /** False until every key has been read: before that no client can be informed that its key is wrong. */
      readonly isLoaded: () => boolean
      /** False once the keys have not been followed for so long that one of them may have been revoked. */
      readonly isBelieved: () => boolean
      readonly requestsPerSecondMax: number
      readonly clock: Clock
    }

/** What guarded routes need in addition to the access. */
export interface GuardParts {
  readonly audit?: AuditSink | undefined
  readonly corsOrigins?: readonly string[]
}

/**
 * Guards every route that is registered after this: each declares the scope that it needs (`config.scope`), and a route
 * without one is refused when it is registered. Sets `request.caller`, and reports each refused caller to the audit.
 * Where no credential is required, pages of `corsOrigins` may still send requests.
 */
export async function guardRoutes(
  app: FastifyInstance,
  access: Access,
  { audit = NO_AUDIT, corsOrigins = [] }: GuardParts = {},
): Promise<void> {
  app.decorateRequest('caller')
  app.addHook('onRoute', (route) => {
    if (route.config?.scope === undefined) {
      throw new Error(
        `The route ${String(route.method)} ${route.url} declares no scope: nobody knows who may call it.`,
      )
    }
  })
  reportRefusals(app, audit)
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
      refuseForeign(request, corsOrigins)
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
  const refuse = refusing(app, audit)
  const knownCaller = async (request: FastifyRequest): Promise<Caller> => {
    const caller = await callerOf(request, access)
    if ('reason' in caller) throw await refuse(request, caller)
    return caller
  }
  /** A request without a credential has no caller; one with a wrong credential counts as a guess. */
  const callerIfAny = async (request: FastifyRequest): Promise<Caller> => {
    return request.headers.authorization === undefined ? NOBODY : await knownCaller(request)
  }
  app.addHook('onRequest', async (request) => {
    request.caller = NOBODY
    const { scope, identifiesCaller } = request.routeOptions.config
    // A path without a route declares no scope, and gets its 404.
    if (scope === undefined) return
    if (scope === 'public') {
      await limitPublic(request)
      if (identifiesCaller === true && access.isLoaded()) request.caller = await callerIfAny(request)
      return
    }
    if (!access.isLoaded()) throw loading()
    request.caller = await knownCaller(request)
    const counted = await byCaller(request)
    if ('isExceeded' in counted && counted.isExceeded) throw tooMany(counted.ttlInSeconds)
    if (!isAdmin(request.caller) && !request.caller.scopes.has(scope)) throw insufficient(scope)
  })
}

/** What happens to a request with a wrong credential: it is counted for its address and reported to the audit. */
function refusing(
  app: FastifyInstance,
  audit: AuditSink,
): (request: FastifyRequest, why: Unknown) => Promise<Problem> {
  const byAddress = app.createRateLimit({
    max: REFUSALS_PER_MINUTE_MAX,
    timeWindow: MINUTE_MS,
    keyGenerator: (request: FastifyRequest) => `refused ${request.ip}`,
  })
  return async (request, { subject, reason, unfit }) => {
    audit.refused(credentialRefused(request, reason, subject ?? undefined))
    const refused = await byAddress(request)
    if ('isExceeded' in refused && refused.isExceeded) return tooMany(refused.ttlInSeconds)
    return unauthorized(unfit)
  }
}

/**
 * Refusals are reported to the audit where they are thrown; a wrong credential is reported by `guardRoutes`, because only
 * that knows what was wrong with it.
 */
function reportRefusals(app: FastifyInstance, audit: AuditSink): void {
  app.addHook('onError', async (request, _reply, error) => {
    if (error instanceof ForeignNode) {
      const { nodeId, code: reason } = error
      audit.refused({ kind: 'foreign_node', subject: holderOf(request), address: request.ip, nodeId, reason })
    } else if (
      error instanceof Problem &&
      (error.code === 'insufficient_scope' || error.code === 'foreign_request')
    ) {
      const { scope } = request.routeOptions.config
      const reason = error.code === 'foreign_request' ? error.code : `${error.code}: ${scope}`
      audit.refused(credentialRefused(request, reason))
    }
  })
}

/** A credential that is refused: the subject it is known as, and why. */
interface Unknown {
  readonly subject: string | null
  readonly reason: string
  /** What is wrong with a token that is in force otherwise, in words for its holder. */
  readonly unfit?: string
}

/** Without a `subject` this is the caller's credential, or the address where there is none. */
function credentialRefused(request: FastifyRequest, reason: string, subject = holderOf(request)): Refusal {
  return { kind: 'credential_refused', subject, address: request.ip, nodeId: '', reason }
}

async function callerOf(
  request: FastifyRequest,
  { keys, jwt, clock, isBelieved }: Extract<Access, { mode: 'required' }>,
): Promise<Caller | Unknown> {
  const [scheme = '', token = ''] = (request.headers.authorization ?? '').split(' ', 2)
  if (scheme.toLowerCase() !== 'bearer') return { subject: null, reason: 'no_credential' }
  if (token.startsWith('hm_')) {
    if (!isBelieved()) throw accessUnknown()
    const judged = keys.judge(token, clock.nowMs())
    if (!('reason' in judged)) return judged
    const { keyId, reason } = judged
    return { subject: keyId === null ? null : `key:${keyId}`, reason }
  }
  // A refused token's own claims are not believed: the address is used as its subject.
  const judged = (await jwt?.(token)) ?? null
  if (judged === null) return { subject: null, reason: 'token_refused' }
  return 'unfit' in judged ? { subject: null, reason: 'token_unfit', unfit: judged.unfit } : judged
}

function loading(): Problem {
  return unavailable(
    'state_loading',
    'The keys are being read from the log. Ask again in a moment.',
    RETRY_LOADING_S,
  )
}

function accessUnknown(): Problem {
  return unavailable(
    'access_unknown',
    'Whether keys are still in force cannot be known now: their log cannot be followed. Tokens are still taken.',
    RETRY_LOG_UNKNOWN_S,
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
  return new Problem(
    'rate_limited',
    'More requests than this credential or address may make.',
    {},
    retryAfter(seconds),
  )
}
