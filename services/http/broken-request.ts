import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PROBLEMS, PROBLEM_TYPE } from '../../schemas/http/problem.ts'
import type { ProblemCode } from '../../schemas/http/problem.ts'
import { EVENT_ID_PATH_CHARACTERS_MAX } from '../../schemas/http/usage.ts'
import { Problem, sendProblem } from './problem.ts'

const CODES: Readonly<Record<string, { readonly code: ProblemCode; readonly detail: string }>> = {
  HPE_HEADER_OVERFLOW: {
    code: 'head_too_large',
    detail: 'The head of the request is longer than 16 KiB.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: 'request_too_slow',
    detail: 'The request did not arrive within the time for it.',
  },
}

const BROKEN = { code: 'broken_request', detail: 'This is not HTTP.' } as const

/** For Fastify's `clientErrorHandler`: a text that cannot be read as a request has no route, but gets a problem too. */
export function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  // The client has gone, or an answer is already under way on this socket.
  if (error.code === 'ECONNRESET' || !socket.writable || socket.destroyed) {
    socket.destroy()
    return
  }
  const { code, detail } = CODES[error.code ?? ''] ?? BROKEN
  writeProblem(socket, code, detail)
}

/** For Fastify's `frameworkErrors`: a URL for which no route can be looked up. */
export function answerBrokenUrl(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const isLong = error.code === 'FST_ERR_MAX_PARAM_LENGTH'
  const detail = isLong
    ? `A name in the path has at most ${EVENT_ID_PATH_CHARACTERS_MAX} characters.`
    : 'The path holds a broken percent-encoding.'
  void sendProblem(request, reply, new Problem('invalid_url', detail))
}

/** Requests that Node would answer by itself, or not at all. Every server calls this before its other hooks. */
export function answerUnread(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ raw }) => {
    if (raw.httpVersion === '1.1' && raw.headers.host === undefined)
      throw new Problem('broken_request', 'A request of HTTP/1.1 names its Host.')
  })
  // A server may ignore an expectation that it does not know (RFC 9110, 10.1.1).
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  app.server.on('connect', (_request, socket: Socket) =>
    writeProblem(socket, 'method_not_allowed', 'This server is no proxy.', 'allow: GET, HEAD, OPTIONS\r\n'),
  )
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

function writeProblem(socket: Socket, code: ProblemCode, detail: string, headers = ''): void {
  const { status, title } = PROBLEMS[code]
  const body = JSON.stringify({
    type: `urn:hivemeter:problem:${code}`,
    title,
    status,
    detail,
    instance: '',
    code,
  })
  socket.end(
    `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\n${headers}content-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
