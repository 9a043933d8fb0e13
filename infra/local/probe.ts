import type { Clock } from '../../pipelines/clock.ts'
import type { Random } from '../../pipelines/random.ts'
import { EXIT, ExitError, describeError } from '../../services/runtime/exit.ts'
import { GivenUp } from './part.ts'
import { SECOND_MS } from '../../schemas/units.ts'

const ANSWER_TIMEOUT_MS = 5_000
const ARRIVAL_TIMEOUT_MS = 45_000
const POLL_MS = 100

/** What the probe was, and its result. */
export interface Probe {
  readonly eventId: string
  readonly nodeId: string
  readonly operatorId: string
  readonly entryId: string
  readonly spark: number
}

type Headers = Readonly<Record<string, string>>

interface Item {
  readonly [field: string]: unknown
}

async function itemsOf(url: string, headers: Headers, signal: AbortSignal): Promise<readonly Item[]> {
  const answer = await fetch(url, {
    headers,
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
  })
  const body = (await answer.json()) as { items?: Item[] }
  // A wallet does not exist before its first entry.
  return answer.ok ? (body.items ?? []) : []
}

async function send(
  what: string,
  url: string,
  body: object,
  headers: Headers,
  signal: AbortSignal,
): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
  })
  const text = await answer.text()
  if (answer.ok) return
  throw new ExitError(EXIT.failure, `${what}: ${answer.status} ${text.slice(0, 300)}. The logs say why.`)
}

/**
 * Sends one event of 0.29 US dollars for a node and an operator of its own, and waits until it has been counted and has
 * paid into that operator's wallet: this proves that the whole path works. Fails after a bounded wait and reports how far
 * the event came.
 */
export async function runProbe(options: {
  readonly gatewayUrl: string
  readonly readerUrl: string
  /** The headers that carry the credential, where one is required. */
  readonly headers: Headers
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
}): Promise<Probe> {
  const { gatewayUrl, readerUrl, headers, clock, signal } = options
  const suffix = options.random.bytes(4).toString('hex')
  const bytes = options.random.bytes(16).toString('hex')
  const eventId = `${bytes.slice(0, 8)}-${bytes.slice(8, 12)}-4${bytes.slice(13, 16)}-8${bytes.slice(17, 20)}-${bytes.slice(20)}`
  const nodeId = `start-${suffix}`
  const operatorId = `start-operator-${suffix}`
  const nowMs = clock.nowMs()
  const event = {
    event_id: eventId,
    node_id: nodeId,
    operator_id: operatorId,
    model_id: 'gpt-4.1',
    task_source: 'hive',
    occurred_at: new Date(nowMs).toISOString(),
    tokens_in: 1_200,
    tokens_out: 300,
    actual_usd_cost: '0.29',
  }
  const joinUrl = `${readerUrl}/api/settings/compute/provider/join`
  const joining = { node_id: nodeId, operator_id: operatorId, allow_metered_for_hive: true }
  await send('The reader did not let the probe node join', joinUrl, joining, headers, signal)
  await send('The gateway did not take the probe event', `${gatewayUrl}/v1/events`, event, headers, signal)

  const eventsUrl = `${readerUrl}/api/usage/events?node_id=${nodeId}`
  const entriesUrl = `${readerUrl}/api/wallets/${operatorId}/entries`
  const deadlineMs = clock.monotonicMs() + ARRIVAL_TIMEOUT_MS
  let lastError = ''
  let counted: Item | undefined
  while (clock.monotonicMs() < deadlineMs && !signal.aborted) {
    try {
      counted = (await itemsOf(eventsUrl, headers, signal)).find((item) => item['event_id'] === eventId)
      const settlementId = counted?.['settlement_id'] ?? undefined
      const entries = settlementId === undefined ? [] : await itemsOf(entriesUrl, headers, signal)
      const entry = entries.find((item) => item['reference_id'] === settlementId)
      if (entry !== undefined) {
        return {
          eventId,
          nodeId,
          operatorId,
          entryId: String(entry['entry_id']),
          spark: Number(entry['spark']),
        }
      }
    } catch (error) {
      lastError = ` The last request failed: ${describeError(error)}.`
    }
    await clock.delay(POLL_MS, signal)
  }
  if (signal.aborted) throw new GivenUp('the first event')
  const missing =
    counted === undefined
      ? `did not appear at ${eventsUrl}`
      : `is at ${eventsUrl}, but no entry at ${entriesUrl} pays for it`
  throw new ExitError(
    EXIT.failure,
    `The probe event ${eventId} ${missing} after ${ARRIVAL_TIMEOUT_MS / SECOND_MS} s.${lastError}`,
  )
}
