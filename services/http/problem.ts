import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '../../pipelines/logger.ts'

/** An answer in the form of RFC 9457, thrown from a route or sent as it is. `code` is stable. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: string
  readonly statusCode: number
  readonly title: string
  readonly extra: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: string,
    status: number,
    title: string,
    detail: string,
    extra: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail)
    this.code = code
    this.statusCode = status
    this.title = title
    this.extra = extra
    this.headers = headers
  }
}

/**
 * A problem to throw or to send. `extra` stands beside the members of RFC 9457 (`errors`, `rejected`, `node_id` …),
 * `headers` go with the answer (`retry-after`).
 */
export function problem(
  code: string,
  status: number,
  title: string,
  detail: string,
  extra?: Readonly<Record<string, unknown>>,
  headers?: Readonly<Record<string, string>>,
): Problem {
  return new Problem(code, status, title, detail, extra, headers)
}

/** Answers with a problem; never with a stack, a statement or a host name. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, found: Problem): FastifyReply {
  const [path] = request.url.split('?', 1)
  return reply
    .code(found.statusCode)
    .headers(found.headers)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send({
      type: `urn:hivemeter:problem:${found.code}`,
      title: found.title,
      status: found.statusCode,
      detail: found.message,
      instance: path,
      code: found.code,
      ...found.extra,
    })
}

/** Makes every error and every unknown route of `app` a problem; what is no problem yet is logged and shown as 500. */
export function problemHandlers(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const found = error instanceof Problem ? error : problemOf(error)
    if (found.code === 'internal') {
      logger.error(
        { err: error, method: request.method, route: request.routeOptions.url },
        'a request failed',
      )
    }
    return sendProblem(request, reply, found)
  })
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      request,
      reply,
      problem('not_found', 404, 'There is nothing at this address', '/openapi.json lists the routes.'),
    ),
  )
}

/** What Fastify found by itself, in our words: its messages may change with its version. */
function problemOf(error: FastifyError): Problem {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return problem(
      'body_too_large',
      413,
      'The body is too large',
      'The body is larger than this route takes.',
    )
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return problem(
      'unsupported_media_type',
      415,
      'The body has an unsupported content type',
      'This route does not take that content type.',
    )
  }
  if (error.code === 'FST_ERR_BAD_URL') {
    return problem('invalid_url', 400, 'The URL cannot be read', 'It holds an escape that cannot be decoded.')
  }
  const status = error.statusCode ?? 500
  if (status >= 400 && status < 500) {
    return problem(
      'bad_request',
      status,
      'The request cannot be read',
      'Its headers and its body do not fit together.',
    )
  }
  return problem(
    'internal',
    500,
    'Something went wrong here',
    'The server could not answer; its log says why.',
  )
}
