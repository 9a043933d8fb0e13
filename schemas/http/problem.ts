import { Type } from 'typebox'
import type { Static } from 'typebox'
import type { DoneAs } from '../commands/results.ts'

/** Every `code` of a problem, with its status and title. Codes are stable: clients decide by them. */
export const PROBLEMS = {
  broken_request: { status: 400, title: 'The request cannot be read' },
  invalid_url: { status: 400, title: 'The URL cannot be read' },
  not_json: { status: 400, title: 'The body is not JSON' },
  unreadable_body: { status: 400, title: 'The body cannot be unpacked' },
  unauthorized: { status: 401, title: 'No valid credential' },
  foreign_request: { status: 403, title: 'The request of a web page from elsewhere' },
  insufficient_scope: { status: 403, title: 'The credential does not have the scope' },
  not_own_node: { status: 403, title: 'The credential stands for another node' },
  insufficient_role: { status: 403, title: 'The role of the credential may not change this' },
  no_fleet_node: { status: 403, title: 'The credential stands for no node of a fleet' },
  rate_limited: { status: 429, title: 'Too many requests' },
  not_found: { status: 404, title: 'There is nothing at this address' },
  node_not_registered: { status: 404, title: 'Node not registered' },
  event_not_found: { status: 404, title: 'There is no such event of this node' },
  letter_not_found: { status: 404, title: 'There is no such record that was set aside' },
  wallet_not_found: { status: 404, title: 'Wallet not found' },
  reservation_not_found: { status: 404, title: 'There is no such reservation' },
  central_not_metered: { status: 403, title: 'A central node pays for no calls of others' },
  already_claimed: { status: 409, title: 'The node has another operator' },
  not_claimed: { status: 409, title: 'The node has no operator yet' },
  too_many_operators: { status: 409, title: 'The node has had as many operators as it may' },
  not_allowed: { status: 409, title: 'The node pays for no calls of others' },
  over_limit: { status: 409, title: "The day's limit has no room for this" },
  reservation_exists: { status: 409, title: 'There is an open reservation of this name' },
  too_many_reservations: { status: 409, title: 'The node has as many open reservations as it may' },
  past: { status: 409, title: 'The change would begin in the past' },
  not_on_edge: { status: 422, title: 'The time is not on an edge of 5 minutes' },
  too_far_ahead: { status: 422, title: 'The time is too far ahead' },
  restate_not_built: { status: 409, title: 'Changes of the past are not built yet' },
  version_conflict: { status: 412, title: 'The entity has changed meanwhile' },
  invalid_change: { status: 422, title: 'What is asked does not go together' },
  fixed_field: { status: 422, title: 'The field never changes' },
  id_taken: { status: 409, title: 'The id is taken' },
  overlap: { status: 409, title: 'The worker has another assignment in that time' },
  identity_taken: { status: 409, title: 'Another worker has this identity in that time' },
  asset_code_taken: { status: 409, title: 'Another worker has this asset code in that time' },
  slot_taken: { status: 409, title: 'Another worker stands in this slot in that time' },
  slot_exists: { status: 409, title: 'The container has this slot' },
  elsewhere: { status: 422, title: 'It belongs to another place' },
  in_use: { status: 409, title: 'Something needs it' },
  enrolment_refused: { status: 409, title: 'The token does not enrol a node' },
  too_many_entities: { status: 409, title: 'The provider has as many of these as it may' },
  too_many_versions: { status: 409, title: 'The entity has as many versions as are kept' },
  unknown_provider: { status: 404, title: 'There is no such provider' },
  unknown_location: { status: 404, title: 'There is no such location' },
  unknown_container: { status: 404, title: 'There is no such container' },
  unknown_slot: { status: 404, title: 'There is no such slot' },
  unknown_node: { status: 404, title: 'There is no such node' },
  unknown_enrolment: { status: 404, title: 'There is no such enrolment' },
  unknown_model: { status: 404, title: 'There is no such model' },
  unknown_worker: { status: 404, title: 'There is no such worker' },
  unknown_identity: { status: 404, title: 'There is no such identity' },
  unknown_assignment: { status: 404, title: 'There is no such assignment' },
  unknown_customer: { status: 404, title: 'There is no such customer' },
  unknown_window: { status: 404, title: 'There is no such window' },
  unknown_ticket: { status: 404, title: 'There is no such ticket' },
  unknown_conflict: { status: 404, title: 'There is no such conflict' },
  head_too_large: { status: 431, title: 'The head of the request is too large' },
  stale_settings: { status: 412, title: 'The settings have changed meanwhile' },
  stale_models: { status: 412, title: 'The table of models has changed meanwhile' },
  idempotency_key_reused: { status: 422, title: 'This Idempotency-Key was used for another request' },
  cannot_be_decided: { status: 422, title: 'The write cannot be decided, and was set aside' },
  too_many_commands: { status: 429, title: 'Too many writes for this node in a day' },
  method_not_allowed: { status: 405, title: 'There is another method at this address' },
  request_too_slow: { status: 408, title: 'The request did not arrive in time' },
  body_too_slow: { status: 408, title: 'The body did not arrive in time' },
  not_acceptable: { status: 406, title: 'This answer does not exist in the wanted format' },
  body_too_large: { status: 413, title: 'The body is too large' },
  too_many_events: { status: 413, title: 'The body has too many events' },
  unsupported_media_type: { status: 415, title: 'The body has an unsupported content type' },
  unsupported_encoding: { status: 415, title: 'The body has an unsupported content coding' },
  nothing_accepted: { status: 422, title: 'No event was accepted' },
  invalid_request: { status: 422, title: 'The request does not fit its rules' },
  invalid_cursor: { status: 422, title: 'The cursor does not belong to this list' },
  too_many_windows: { status: 422, title: 'The range has too many windows' },
  too_many_groups: { status: 422, title: 'The label has too many values' },
  windows_expired: { status: 422, title: 'Windows of this size are no longer kept for this range' },
  internal: { status: 500, title: 'Something went wrong here' },
  overloaded: { status: 503, title: 'Too many requests at once' },
  log_unavailable: { status: 503, title: 'The log takes no events now' },
  outcome_unknown: { status: 503, title: 'The outcome is not known' },
  history_unavailable: { status: 503, title: 'The history cannot be read now' },
  access_unknown: { status: 503, title: 'Whether the key is in force cannot be known now' },
  state_loading: { status: 503, title: 'The accounts are still being loaded' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>

export type ProblemCode = keyof typeof PROBLEMS

/**
 * The status of a command that was done; the status of a refused one belongs to its code. Outcomes in the log hold these
 * numbers too.
 */
export const DONE_STATUS = { done: 200, reserved: 201, released: 204 } as const satisfies Record<
  DoneAs,
  number
>

/** One field that is wrong. */
export const FieldErrorSchema = Type.Object({
  path: Type.String({ description: 'JSON pointer to the field, or "/" and the name of the parameter.' }),
  code: Type.String(),
  message: Type.String(),
})
export type FieldError = Static<typeof FieldErrorSchema>

/** RFC 9457, with a stable code. `error` and `node_id` are members of some 404 and 403 answers of the original. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'urn:hivemeter:problem: and the code.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    instance: Type.String({ description: 'The path that was asked for.' }),
    code: Type.String({ description: 'Stable; decide by this.' }),
    errors: Type.Optional(Type.Array(FieldErrorSchema)),
    error: Type.Optional(Type.String()),
    node_id: Type.Optional(Type.String()),
  },
  { description: 'RFC 9457 problem details' },
)
export type ProblemBody = Static<typeof ProblemSchema>

export const PROBLEM_TYPE = 'application/problem+json'

/** The responses of a route that can fail in these ways, and with 500, for its schema. */
export function problemResponses(...codes: readonly ProblemCode[]): Record<number, object> {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of [...codes, 'internal'] as const) {
    const { status } = PROBLEMS[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [
      status,
      { description: ofStatus.join(', '), content: { [PROBLEM_TYPE]: { schema: ProblemSchema } } },
    ]),
  )
}
