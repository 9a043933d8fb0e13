import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { ANSWER_BYTES_MAX, meaningOf } from '../read-outcome.ts'

export interface HttpRequest {
  readonly host: string
  readonly port: number
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

/** What a machine's web server said, its text whole or cut. */
export interface HttpAnswer {
  readonly kind: 'http'
  readonly status: number
  readonly text: string
  readonly challenge: string
  readonly cookies: readonly string[]
}

export type HttpEnd = HttpAnswer | { readonly kind: 'timeout' | 'refused' | 'unreadable' }

/** One request over a connection of its own, within the bound of bytes. Follows nothing. Never rejects. */
export async function httpExchange(parts: HttpRequest): Promise<HttpEnd> {
  const { host, port, method, path, headers = {}, body, signal } = parts
  if (signal.aborted) return { kind: 'timeout' }
  const { promise, resolve } = Promise.withResolvers<HttpEnd>()
  const sent = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const request = httpRequest({
    host,
    port,
    method,
    path,
    headers: { accept: '*/*', connection: 'close', ...headers, ...sent },
    agent: false,
  })
  const onAbort = (): void => resolve({ kind: 'timeout' })
  signal.addEventListener('abort', onAbort, { once: true })
  request.on('response', (response) => read(response, resolve))
  request.on('error', (error) => {
    const meaning = isNoHttp(error) ? 'closed' : meaningOf(error)
    resolve({ kind: meaning === 'closed' ? 'unreadable' : meaning })
  })
  request.end(body)
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', onAbort)
    request.destroy()
  }
}

/** Node's parser of HTTP gives each of its errors such a code. */
function isNoHttp(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && error.code.startsWith('HPE_')
}

function read(response: IncomingMessage, resolve: (end: HttpEnd) => void): void {
  const pieces: Buffer[] = []
  let sizeBytes = 0
  const finish = (): void =>
    resolve({
      kind: 'http',
      status: response.statusCode ?? 0,
      text: Buffer.concat(pieces).toString('utf8'),
      challenge: response.headers['www-authenticate'] ?? '',
      cookies: response.headers['set-cookie'] ?? [],
    })
  response.on('data', (piece: Buffer) => {
    sizeBytes += piece.length
    if (sizeBytes > ANSWER_BYTES_MAX) resolve({ kind: 'unreadable' })
    else pieces.push(piece)
  })
  response.on('end', finish)
  // Cut in the middle: what came is judged as it is.
  response.on('aborted', finish)
  response.on('error', finish)
}
