import type { Socket } from 'node:net'
import { PROBLEM_TYPE } from '../../schemas/http/problem.ts'

const ANSWERS: Readonly<Record<string, { status: number; title: string; detail: string }>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    title: 'Request Header Fields Too Large',
    detail: 'The head of the request is longer than 16 KiB.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    title: 'Request Timeout',
    detail: 'The request did not arrive within the time for it.',
  },
}

const BROKEN = { status: 400, title: 'Bad Request', detail: 'This is not HTTP.' }

/** For Fastify's `clientErrorHandler`: what cannot be read as a request has no route, but gets a problem too. */
export function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  // The other side has gone, or an answer is under way on this socket already.
  if (error.code === 'ECONNRESET' || !socket.writable || socket.destroyed) {
    socket.destroy()
    return
  }
  const { status, title, detail } = ANSWERS[error.code ?? ''] ?? BROKEN
  const body = JSON.stringify({
    type: 'urn:hivemeter:problem:broken_request',
    title,
    status,
    detail,
    code: 'broken_request',
  })
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
