import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { isAllowedOrigin } from './cors.ts'
import { Problem } from './problem.ts'

const LOOPBACK_HOST = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?$/i

/** Characters of a foreign header that an answer repeats. */
const SHOWN_CHARACTERS_MAX = 100

/**
 * Why a request to a server that trusts this machine comes from a foreign web page; undefined where it does not. A page
 * may make a browser on this machine send requests here: under a name of its own that leads to loopback (its `Host` shows
 * that), or straight to loopback (its `Origin` shows that; origins of `corsOrigins` are allowed).
 */
export function foreignProblem(
  headers: IncomingHttpHeaders,
  corsOrigins: readonly string[] = [],
): string | undefined {
  const { host = '', origin } = headers
  if (!LOOPBACK_HOST.test(host)) {
    return `The Host of the request is not this machine's: "${host.slice(0, SHOWN_CHARACTERS_MAX)}". Ask under 127.0.0.1 or localhost.`
  }
  const isOwn = origin === undefined || origin.toLowerCase() === `http://${host}`.toLowerCase()
  if (!isOwn && !isAllowedOrigin(origin, corsOrigins))
    return `Requests of web pages from elsewhere are refused: Origin "${origin.slice(0, SHOWN_CHARACTERS_MAX)}".`
  return undefined
}

/**
 * JSON in any of its types, and types of Hivemeter's own: no form can send one, and a page's script only after this server has
 * allowed it.
 */
const NO_FORM_TYPE =
  /^application\/(?:(?:[\w.-]+\+)?json|x-ndjson|ndjson|jsonl|json-seq|vnd\.hivemeter\.[\w.-]+)\s*(;|$)/i

/** A form cannot send a CloudEvent's header either, which may come without a content type. */
function isOfNoForm({ 'content-type': type, 'ce-specversion': cloudEvent }: IncomingHttpHeaders): boolean {
  return NO_FORM_TYPE.test(type ?? '') || (type === undefined && cloudEvent !== undefined)
}

/**
 * Where no credential is required, every request that reaches the server would count. Throws a Problem for requests that
 * a foreign web page caused, and for writes of a content type that its forms could send.
 */
export function refuseForeign(
  { method, headers, is404 }: FastifyRequest,
  corsOrigins: readonly string[],
): void {
  const problem = foreignProblem(headers, corsOrigins)
  if (problem !== undefined) throw new Problem('foreign_request', problem)
  if (method === 'POST' && !is404 && !isOfNoForm(headers)) {
    throw new Problem(
      'unsupported_media_type',
      'Without credentials a POST needs Content-Type: application/json (or another one of the types that its route takes), also without a body: forms cannot send it.',
      {},
      { accept: 'application/json' },
    )
  }
}
