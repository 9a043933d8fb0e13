import type { FastifyInstance } from 'fastify'
import { problemResponses } from '../../../schemas/http/problem.ts'
import type { ProblemCode } from '../../../schemas/http/problem.ts'

/** How every route can fail before its handler runs. */
const PUBLIC: readonly ProblemCode[] = ['broken_request', 'foreign_request']

/** How, in addition, every route can fail that requires a credential. */
const GUARDED: readonly ProblemCode[] = [
  ...PUBLIC,
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

/** Describes, on every route that is registered after this, what its scope requires and how it refuses. */
export function describeAccess(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const { scope } = route.config ?? {}
    if (scope === undefined || route.schema === undefined) return
    const isPublic = scope === 'public'
    const { description } = route.schema
    route.schema = {
      ...route.schema,
      security: isPublic ? [] : [{ bearer: [] }],
      ...(!isPublic && { description: [description, `Scope: ${scope}.`].filter(Boolean).join(' ') }),
      response: withGuards((route.schema.response ?? {}) as Responses, isPublic ? PUBLIC : GUARDED),
    }
  })
}

function withGuards(responses: Responses, codes: readonly ProblemCode[]): Responses {
  const guards = problemResponses(...codes) as Responses
  const both = { ...guards, ...responses }
  for (const [status, guard] of Object.entries(guards)) {
    const own = responses[status]
    if (own === undefined) continue
    const words = new Set([own.description, guard.description].join(', ').split(', '))
    both[status] = { ...own, description: [...words].join(', ') }
  }
  return both
}
