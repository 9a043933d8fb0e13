import { formatUuid } from '../../schemas/ids.ts'
import type { UsageEvent } from '../../schemas/usage.ts'

const REQUEST_TIMEOUT_MS = 15_000

/** What a client knows of an event that it sent: `not_taken` was refused as a whole and may be sent again. */
export type PostOutcome = 'accepted' | 'refused' | 'unknown' | 'not_taken'

interface Answer {
  readonly rejected?: readonly { readonly index: number }[]
  readonly unknown?: readonly number[]
  readonly not_taken?: readonly number[]
}

/** Sends events to a gateway and says of each what is known. Never rejects: no answer is an answer too. */
export async function postEvents(url: string, events: readonly UsageEvent[]): Promise<PostOutcome[]> {
  let response: Response
  let answer: Answer
  try {
    response = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events.map(toJson)),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
    answer = (await response.json()) as Answer
  } catch (error) {
    // Nothing listened: nothing can have been taken.
    const isRefused = JSON.stringify(error, ['cause', 'code']).includes('ECONNREFUSED')
    return events.map(() => (isRefused ? 'not_taken' : 'unknown'))
  }
  if (response.status === 202 || response.status === 422) {
    const refused = new Set(answer.rejected?.map(({ index }) => index))
    return events.map((_, index) => (refused.has(index) ? 'refused' : 'accepted'))
  }
  if (response.status !== 503) return events.map(() => 'unknown')
  // Where part of a request was acknowledged, the answer names what was not.
  if (answer.unknown === undefined && answer.not_taken === undefined) return events.map(() => 'not_taken')
  const [unknown, notTaken] = [new Set(answer.unknown), new Set(answer.not_taken)]
  const refused = new Set(answer.rejected?.map(({ index }) => index))
  return events.map((_, index) => {
    if (unknown.has(index)) return 'unknown'
    if (notTaken.has(index)) return 'not_taken'
    return refused.has(index) ? 'refused' : 'accepted'
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
    actual_usd_cost: `${Math.floor(cost / 1e9)}.${String(cost % 1e9).padStart(9, '0')}`,
  }
}
