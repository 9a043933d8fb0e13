import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from './problem.ts'

/** The methods of every path that has a route. */
export class Methods {
  readonly #paths = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>()

  /** Notes a route; `url` as Fastify writes it, with `:name` and `*`. */
  add(url: string, methods: readonly string[]): void {
    const known = this.#paths.get(url) ?? { pattern: patternOf(url), methods: new Set() }
    for (const method of methods) known.methods.add(method)
    this.#paths.set(url, known)
  }

  /** The methods of a path, OPTIONS included; none where there is no route. */
  of(path: string): readonly string[] {
    const found = [...this.#paths.values()].filter(({ pattern }) => pattern.test(path))
    if (found.length === 0) return []
    const methods = new Set(['OPTIONS'])
    for (const one of found) for (const method of one.methods) methods.add(method)
    return [...methods].toSorted()
  }
}

function patternOf(url: string): RegExp {
  const escaped = url.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll(/:\w+/g, '[^/]+').replaceAll('*', '.*')}$`)
}

/** The path of a request, as it was sent. */
export function pathOf({ url }: Pick<FastifyRequest, 'url'>): string {
  return url.split('?', 1)[0] ?? ''
}

/** Notes every route that is registered after this. */
export function noteMethods(app: FastifyInstance): Methods {
  const methods = new Methods()
  app.addHook('onRoute', ({ url, method }) => methods.add(url, [method].flat()))
  return methods
}

/**
 * A request that no route takes is answered before its body, whatever the body is: OPTIONS of a path lists its methods,
 * another method of it gets 405, a path that does not exist 404. Call it after access, which may refuse earlier.
 */
export function answerUnrouted(app: FastifyInstance, methods: Methods): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) return await unrouted(request, reply, methods)
    return undefined
  })
}

async function unrouted(
  request: FastifyRequest,
  reply: FastifyReply,
  methods: Methods,
): Promise<FastifyReply> {
  const { method } = request
  const isOptions = method === 'OPTIONS'
  // This is about the server as a whole, not about a path.
  if (isOptions && request.url === '*') return await reply.code(204).send()
  const allowed = methods.of(pathOf(request))
  if (allowed.length === 0) throw notFound()
  const allow = allowed.join(', ')
  if (isOptions) return await reply.code(204).header('allow', allow).send()
  throw new Problem(
    'method_not_allowed',
    `${method} is no method of this address. It has ${allow}.`,
    {},
    { allow },
  )
}

/** No route has this path. */
function notFound(): Problem {
  return new Problem('not_found', 'There is no such route; /openapi.json lists them.')
}
