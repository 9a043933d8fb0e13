import { Problem } from './problem.ts'
import { retryAfter } from './retry-after.ts'

/** One parameter is at fault, for a reason that no schema can express. */
export function invalidParameter(name: string, message: string): Problem {
  return new Problem('invalid_request', message, { errors: [{ path: `/${name}`, code: 'invalid', message }] })
}

const NOT_IN_FORCE = 'Send Authorization: Bearer <key or token> with a credential that is in force.'

/**
 * The same answer for every reason, so that guessing reveals nothing. `detail` is only for a client that has proven to
 * hold a credential.
 */
export function unauthorized(detail: string = NOT_IN_FORCE): Problem {
  return new Problem('unauthorized', detail, {}, { 'www-authenticate': 'Bearer' })
}

/** Not possible now: 503 with the seconds after which a new attempt makes sense. */
export function unavailable(
  code: 'access_unknown' | 'overloaded' | 'history_unavailable' | 'state_loading',
  detail: string,
  retryAfterS: number,
): Problem {
  return new Problem(code, detail, {}, retryAfter(retryAfterS))
}
