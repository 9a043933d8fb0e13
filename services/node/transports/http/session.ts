import { isJsonObject } from '../../../../pipelines/json/json-object.ts'
import type { Login } from '../../config/agent-config.ts'
import type { SessionKind } from '../../machines/plans.ts'
import type { HttpAnswer, HttpRequest } from './http-exchange.ts'

/** The headers of whoever is logged in; null where the machine's answer holds none. */
export type SessionHeaders = Readonly<Record<string, string>> | null

interface SessionForm {
  readonly ask: (login: Login) => Pick<HttpRequest, 'method' | 'path' | 'headers' | 'body'>
  readonly headersIn: (answer: HttpAnswer) => SessionHeaders
}

const json = (path: string, body: object): ReturnType<SessionForm['ask']> => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

/** How each firmware opens a session, and what says in each request that it is open. */
export const SESSIONS: Readonly<Record<SessionKind, SessionForm>> = {
  braiins: {
    ask: ({ user, password }) => json('/api/v1/auth/login', { username: user, password }),
    headersIn: (answer) => tokenIn(answer, 'authorization', ({ token }) => token),
  },
  vnish: {
    ask: ({ password }) => json('/api/v1/unlock', { pw: password }),
    headersIn: (answer) => tokenIn(answer, 'authorization', ({ token }) => token),
  },
  auradine: {
    ask: ({ user, password }) => json('/token', { command: 'token', user, password }),
    headersIn: (answer) =>
      tokenIn(answer, 'token', ({ Token: list }) => {
        const first: unknown = Array.isArray(list) ? list[0] : undefined
        return isJsonObject(first) ? first['Token'] : undefined
      }),
  },
  iceriver: {
    ask: ({ user, password }) => {
      const query = new URLSearchParams({ post: '6', user, pwd: password })
      return { method: 'POST', path: `/user/loginpost?${query.toString()}` }
    },
    headersIn: ({ cookies }) => {
      const pairs = cookies.map((cookie) => cookie.split(';')[0] ?? '')
      return pairs.length === 0 ? null : { cookie: pairs.join('; ') }
    },
  },
}

/** A token may be any text that a header can hold. */
function tokenIn(
  { text }: HttpAnswer,
  header: string,
  of: (answer: Readonly<Record<string, unknown>>) => unknown,
): SessionHeaders {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return null
  }
  const token = isJsonObject(parsed) ? of(parsed) : undefined
  return typeof token === 'string' && /^[\x21-\x7e]{1,4096}$/.test(token) ? { [header]: token } : null
}
