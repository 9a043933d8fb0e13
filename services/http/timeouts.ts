import { answerBrokenRequest, answerBrokenUrl } from './broken-request.ts'
import { MINUTE_MS } from '../../schemas/units.ts'

/** Longest time for the head of a request; a connection that sends nothing also ends then. */
export const HEADERS_TIMEOUT_MS = 5_000

/** How often Node checks for requests that have exceeded their time: timeouts are kept to this precision. */
export const TIMEOUT_CHECK_MS = 500

/** Longest silence on a connection under way; above the time that an answer may take. */
export const CONNECTION_TIMEOUT_MS = MINUTE_MS

/**
 * Options of Fastify for every server: a text that cannot be read gets a problem, and timeouts hold as they are stated.
 * By default Node checks for requests that have exceeded their time every 30 s, and swaps the timeouts of head and
 * request where that of the head is longer.
 */
export function serverTimeouts(requestTimeoutMs: number) {
  return {
    requestTimeout: requestTimeoutMs,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    http: {
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      // Node would answer by itself, and not with a problem; `answerUnread` does it.
      requireHostHeader: false,
    },
    // Fastify would do the same while it closes.
    return503OnClosing: false,
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: answerBrokenUrl,
  }
}
