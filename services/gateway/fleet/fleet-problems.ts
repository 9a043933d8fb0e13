import type { Refusal } from '../../../pipelines/json/refusal.ts'
import { Problem } from '../../http/problem.ts'
import { RETRY_BUSY_S, retryAfter } from '../../http/retry-after.ts'
import type { Outcome } from '../queue/submission.ts'

/** What a request says of itself is wrong: nothing of it is taken. */
export function invalidBody({ code, path, detail: message }: Refusal): Problem {
  const detail = path === '' ? message : `"${path.slice(1)}": ${message}`
  return new Problem('invalid_request', detail, {
    errors: [{ path: path === '' ? '/' : path, code, message }],
  })
}

/** The log takes nothing now. */
export function logAway(): Problem {
  return new Problem(
    'log_unavailable',
    'Kafka takes no records of fleets now; nothing of this request was taken. Send it again.',
    {},
    retryAfter(RETRY_BUSY_S),
  )
}

/** The outcome, where the log has all of a request. Throws a Problem (503) after which the same request is sent again. */
export function requireTaken(outcome: Outcome): Outcome {
  const { unknown, notTaken } = outcome
  if (unknown.length > 0) {
    throw new Problem(
      'outcome_unknown',
      'Kafka did not acknowledge the request in time: it is in the log or not. Send the same again; each number counts once.',
      {},
      retryAfter(RETRY_BUSY_S),
    )
  }
  if (notTaken.length > 0) throw logAway()
  return outcome
}
