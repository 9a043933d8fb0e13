import type { FastifyInstance } from 'fastify'
import { problemResponses } from '../../schemas/http/problem.ts'
import type { ProblemCode } from '../../schemas/http/problem.ts'

/** How every guarded route can fail before its handler runs. */
const GUARDED: readonly ProblemCode[] = [
  'foreign_request',
  'unauthorized',
  'insufficient_scope',
  'rate_limited',
  'state_loading',
  'access_unknown',
]

/** For OpenAPI's components: one way in, whatever the credential is. */
export const SECURITY_SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description:
      'A key (hm_…), or a JSON Web Token with the claims `scope` (words), `nodes` and `operators` (lists of names).',
  },
} as const

type Responses = Readonly<Record<string, { readonly description?: string }>>

/** Describes, on every route that is registered after this, what its scope asks for and how it refuses. */
export function describeAccess(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const { scope } = route.config ?? {}
    if (scope === undefined || scope === 'public' || route.schema === undefined) return
    route.schema = {
      ...route.schema,
      security: [{ bearer: [] }],
      description: [route.schema.description, `Scope: ${scope}.`].filter(Boolean).join(' '),
      response: withGuards((route.schema.response ?? {}) as Responses),
    }
  })
}

function withGuards(responses: Responses): Responses {
  const guards = problemResponses(...GUARDED) as Responses
  const both = { ...guards, ...responses }
  for (const [status, guard] of Object.entries(guards)) {
    const own = responses[status]
    if (own === undefined) continue
    const words = new Set([own.description, guard.description].join(', ').split(', '))
    both[status] = { ...own, description: [...words].join(', ') }
  }
  return both
}
