import { formatUuid } from '../../../schemas/ids.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'

const REQUEST_TIMEOUT_MS = 15_000

/** What a client knows about an event that it sent: `not_taken` was refused as a whole and may be sent again. */
export type PostOutcome = 'accepted' | 'refused' | 'unknown' | 'not_taken'

interface Answer {
  readonly rejected?: readonly { readonly index: number }[]
  readonly unknown?: readonly number[]
  readonly not_taken?: readonly number[]
}

/** How a gateway answered one request. */
export interface PostAnswer {
  /** The outcome of each event, in order. */
  readonly outcomes: readonly PostOutcome[]
  /** Undefined where no answer came. */
  readonly status: number | undefined
  readonly hasRetryAfter: boolean
}

/** Sends events to a gateway and returns what is known about each. Never rejects: no answer is an answer too. */
export async function postEvents(
  url: string,
  events: readonly UsageEvent[],
): Promise<readonly PostOutcome[]> {
  return (await postBody(url, bodyOf(events), events.length)).outcomes
}

/** Events as the body of a request. */
export function bodyOf(events: readonly UsageEvent[]): string {
  return JSON.stringify(events.map(toJson))
}

/** Sends a body of `count` events, which may be sent again as it is. Never rejects. */
export async function postBody(url: string, body: string, count: number): Promise<PostAnswer> {
  const all = (outcome: PostOutcome): PostOutcome[] => Array.from({ length: count }, () => outcome)
  let response: Response
  let answer: Answer
  try {
    response = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
    answer = (await response.json()) as Answer
  } catch (error) {
    // No process listened: nothing can have been taken.
    const isRefused = JSON.stringify(error, ['cause', 'code']).includes('ECONNREFUSED')
    const outcomes = all(isRefused ? 'not_taken' : 'unknown')
    return { outcomes, status: undefined, hasRetryAfter: false }
  }
  const { status, headers } = response
  return { outcomes: outcomesOf(status, answer, all), status, hasRetryAfter: headers.has('retry-after') }
}

function outcomesOf(
  status: number,
  answer: Answer,
  all: (outcome: PostOutcome) => PostOutcome[],
): PostOutcome[] {
  const refused = new Set(answer.rejected?.map(({ index }) => index))
  if (status === 202 || status === 422) {
    return all('accepted').map((outcome, index) => (refused.has(index) ? 'refused' : outcome))
  }
  if (status !== 503) return all('unknown')
  // Where part of a request was acknowledged, the answer names what was not.
  if (answer.unknown === undefined && answer.not_taken === undefined) return all('not_taken')
  const [unknown, notTaken] = [new Set(answer.unknown), new Set(answer.not_taken)]
  return all('accepted').map((outcome, index) => {
    if (unknown.has(index)) return 'unknown'
    if (notTaken.has(index)) return 'not_taken'
    return refused.has(index) ? 'refused' : outcome
  })
}

function toJson(event: UsageEvent): object {
  const { cost_nano_usd: cost } = event
  return {
    event_id: formatUuid(event.event_id),
    node_id: event.node_id,
    operator_id: event.operator_id,
    model_id: event.model_id,
    task_source: event.task_source,
    occurred_at: event.occurred_at,
    tokens_in: event.tokens_in,
    tokens_out: event.tokens_out,
    duration_ms: event.duration_ms,
    gpu_ms: event.gpu_ms,
    energy_mwh: event.energy_mwh,
    ...(event.energy_mwh === null ? {} : { energy_source: event.energy_source }),
    ...(event.goal_id === null ? {} : { goal_id: event.goal_id }),
    ...(event.requester_node_id === null ? {} : { requester_node_id: event.requester_node_id }),
    ...(event.reservation_id === null ? {} : { reservation_id: event.reservation_id }),
    actual_usd_cost: `${Math.floor(cost / 1e9)}.${String(cost % 1e9).padStart(9, '0')}`,
  }
}
