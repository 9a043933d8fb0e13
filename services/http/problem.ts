import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '../../pipelines/logger.ts'
import { PROBLEMS, PROBLEM_TYPE } from '../../schemas/http/problem.ts'
import type { ProblemCode } from '../../schemas/http/problem.ts'
import { describeError } from '../runtime/exit.ts'
import { fieldErrorsOf } from './field-errors.ts'
import { answerText } from './written/written-list.ts'

/** An answer in the form of RFC 9457, thrown from a route or sent directly. Its code determines status and title. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly status: number
  /** Members in addition to those of RFC 9457: `errors`, `rejected`, `node_id` … */
  readonly extra: Readonly<Record<string, unknown>>
  /** Headers of the answer: `retry-after` … */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ProblemCode,
    detail: string,
    extra: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail)
    this.code = code
    this.status = PROBLEMS[code].status
    this.extra = extra
    this.headers = headers
  }
}

/** Answers with a problem; never with a stack, a statement or a host name. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  const [path] = request.url.split('?', 1)
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .type(PROBLEM_TYPE)
    .serializer(answerText)
    .send({
      type: `urn:hivemeter:problem:${problem.code}`,
      title: PROBLEMS[problem.code].title,
      status: problem.status,
      detail: problem.message,
      instance: path,
      code: problem.code,
      ...problem.extra,
    })
}

/** Makes every error and every unknown route of `app` a problem; an unexpected error is logged and shown as 500. */
export function problemHandlers(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const problem = problemOf(error, request)
    if (problem.code === 'internal') {
      const route = request.routeOptions.url
      logger.error({ err: error, method: request.method, route }, `a request failed: ${describeError(error)}`)
    }
    return sendProblem(request, reply, problem)
  })
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      request,
      reply,
      new Problem('not_found', 'There is no such route; /openapi.json lists them.'),
    ),
  )
}

/**
 * A body of another type than the route takes. The detail names the types that it takes and, for programs, so does Accept.
 */
export function unsupportedMediaType(mediaTypes: readonly string[]): Problem {
  if (mediaTypes.length === 0) return new Problem('unsupported_media_type', 'This address takes no body.')
  const named = mediaTypes.join(', ')
  const detail = `Content-Type must be ${mediaTypes.length > 1 ? 'one of ' : ''}${named}, in UTF-8.`
  return new Problem('unsupported_media_type', detail, {}, { accept: named })
}

/**
 * The problem with which an error is answered. Errors of Fastify get our own words, because its words change with its
 * version.
 */
export function problemOf(error: FastifyError, { mediaTypes }: Pick<FastifyRequest, 'mediaTypes'>): Problem {
  if (error instanceof Problem) return error
  if (error.validation !== undefined) {
    const errors = fieldErrorsOf(error.validation)
    return new Problem('invalid_request', errors.map(({ message }) => message).join(' '), { errors })
  }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new Problem('body_too_large', 'The body is larger than this route takes.')
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return unsupportedMediaType(mediaTypes ?? [])
  }
  if (error.code === 'FST_ERR_BAD_URL') {
    return new Problem('invalid_url', 'The URL holds an escape that cannot be decoded.')
  }
  const status = error.statusCode ?? 500
  if (status >= 400 && status < 500) return new Problem('not_json', 'The body cannot be read.')
  return new Problem('internal', 'The server could not answer; its log says why.')
}
