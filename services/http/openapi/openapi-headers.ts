import type { FastifySchema } from 'fastify'

/** The headers of answers and of requests, for the document: the same on all routes. */

const header = (description: string) => ({ type: 'string', description })

const ETAG = {
  etag: header(
    'Of this state; the same with If-None-Match is answered with 304. Moving watermarks make no other one.',
  ),
}

const RETRY_AFTER = {
  'retry-after': { type: 'integer', description: 'Seconds after which to send again.' },
}

/** By status. Headers that only some codes of a status bring are described wherever they can occur. */
const OF_STATUS: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  401: { 'www-authenticate': header('Bearer') },
  403: { 'www-authenticate': header('Of insufficient_scope: the scope that is needed.') },
  408: { connection: header('close') },
  415: {
    accept: header('Of unsupported_media_type: the content types that are taken.'),
    'accept-encoding': header('Of unsupported_encoding: the codings that are taken.'),
  },
  429: RETRY_AFTER,
  503: RETRY_AFTER,
}

type Described = Readonly<Record<string, unknown>> & { readonly headers?: object }

/** The schema of a route with the headers of its answers; for a GET that has tags also 304 and its condition. */
export function withHeaders(schema: FastifySchema, isTagged: boolean): FastifySchema {
  const responses = (schema.response ?? {}) as Readonly<Record<string, Described>>
  const described = Object.entries(responses).map(([status, response]) => {
    const beside = isTagged && status === '200' ? ETAG : OF_STATUS[status]
    const headers = { ...beside, ...response.headers }
    return [status, Object.keys(headers).length === 0 ? response : { ...response, headers }] as const
  })
  const response: Record<string, object> = Object.fromEntries(described)
  if (!isTagged) return { ...schema, response }
  response['304'] = { description: 'As it was', type: 'null', headers: ETAG }
  return { ...schema, response, headers: conditional(schema.headers) }
}

function conditional(headers: unknown): object {
  const { properties = {} } = (headers ?? {}) as { readonly properties?: object }
  const condition = {
    'if-none-match': { type: 'string', description: 'ETags that the client has, or *.' },
  }
  return { type: 'object', ...(headers as object | undefined), properties: { ...properties, ...condition } }
}
