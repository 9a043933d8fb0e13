import { Problem } from './problem.ts'
import { retryAfter } from './retry-after.ts'

/** One parameter is at fault, for a reason that no schema can say. */
export function invalidParameter(name: string, message: string): Problem {
  return new Problem('invalid_request', message, { errors: [{ path: `/${name}`, code: 'invalid', message }] })
}

const NOT_IN_FORCE = 'Send Authorization: Bearer <key or token> with a credential that is in force.'

/** The same for every reason: whoever guesses learns nothing. `detail` is for who has proven to hold a credential. */
export function unauthorized(detail: string = NOT_IN_FORCE): Problem {
  return new Problem('unauthorized', detail, {}, { 'www-authenticate': 'Bearer' })
}

/** Not now: 503 with the seconds after which asking again makes sense. */
export function unavailable(
  code: 'access_unknown' | 'overloaded' | 'history_unavailable' | 'state_loading',
  detail: string,
  retryAfterS: number,
): Problem {
  return new Problem(code, detail, {}, retryAfter(retryAfterS))
}
