import { answerBrokenRequest, answerBrokenUrl } from './broken-request.ts'
import { MINUTE_MS } from '../../schemas/units.ts'

/** Longest time for the head of a request; a connection that says nothing ends with it too. */
export const HEADERS_TIMEOUT_MS = 5_000

/** How often Node looks for requests that are over their time: timeouts are true to this. */
export const TIMEOUT_CHECK_MS = 500

/** Longest silence on a connection under way; above the time that an answer may take. */
export const CONNECTION_TIMEOUT_MS = MINUTE_MS

/**
 * For Fastify, in every server: what cannot be read gets a problem, and timeouts hold as they are stated. Node looks for requests over their time every 30 s unless
 * told otherwise, and swaps the two of head and request where that of the head is the longer one.
 */
export function serverTimeouts(requestTimeoutMs: number) {
  return {
    requestTimeout: requestTimeoutMs,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    http: {
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      // Node would answer by itself, and not with a problem; `answerUnread` does.
      requireHostHeader: false,
    },
    // Nor would Fastify while it closes.
    return503OnClosing: false,
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: answerBrokenUrl,
  }
}
