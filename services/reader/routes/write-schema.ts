import { Type } from 'typebox'
import type { ProblemCode } from '../../../schemas/http/problem.ts'

/** Headers of every write; other headers are allowed. */
export const WRITE_HEADERS = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        'Names this write: asking again with it gives the same answer for 24 h (a reservation: as long as it is open).',
    }),
  ),
  'if-match': Type.Optional(
    Type.String({
      maxLength: 1_000,
      description: 'ETags of settings, one of which must be theirs now, or *.',
    }),
  ),
})

/** How every write can fail. */
export const WRITE_PROBLEMS = [
  'not_json',
  'node_not_registered',
  'body_too_slow',
  'body_too_large',
  'unsupported_media_type',
  'invalid_request',
  'idempotency_key_reused',
  'cannot_be_decided',
  'too_many_commands',
  'state_loading',
  'outcome_unknown',
  'log_unavailable',
  'overloaded',
] as const satisfies readonly ProblemCode[]
