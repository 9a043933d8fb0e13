import type { Clock } from '../../pipelines/clock.ts'
import { EXIT, ExitError } from '../../services/runtime/exit.ts'
import type { LocalKeys } from './local-keys.ts'
import { bearer } from './local-keys.ts'
import { GivenUp } from './part.ts'
import { SECOND_MS } from '../../schemas/units.ts'

const ANSWER_TIMEOUT_MS = 5_000
/** A key takes effect everywhere within 5 s; a machine that has just started everything may need more. */
const SEEN_TIMEOUT_MS = 30_000
/** Refusals are counted by address: with more frequent requests this wait itself would be refused. */
const POLL_MS = 500

/** Statuses of a server that does not know a key yet: it says so, or it is still reading the keys. */
const UNSEEN: ReadonlySet<number> = new Set([401, 429, 503])

/**
 * Waits until reader and gateway have seen the keys of this start: they follow a log, and a key that was made now is
 * unknown to them for a moment. Fails after a bounded wait and names the server that did not see a key, and the key.
 */
export async function awaitKeysSeen(
  keys: LocalKeys,
  servers: { readonly readerUrl: string; readonly gatewayUrl: string },
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = clock.monotonicMs() + SEEN_TIMEOUT_MS
  const requests = [
    { name: 'reader', url: `${servers.readerUrl}/api/settings/compute/provider`, method: 'GET' },
    // A request without effect: once the key is known, it is refused for what it holds.
    { name: 'gateway', url: `${servers.gatewayUrl}/v1/events`, method: 'POST' },
  ]
  for (const { name, url, method } of requests) {
    for (const key of ['admin', 'provider', 'sample'] as const) {
      while (UNSEEN.has(await statusOf(url, method, keys[key], signal))) {
        if (signal.aborted) throw new GivenUp('the first event')
        if (clock.monotonicMs() > deadlineMs) {
          throw new ExitError(
            EXIT.failure,
            `The ${name} did not know the ${key} key of this data folder after ${SEEN_TIMEOUT_MS / SECOND_MS} s. Its log says why; ` +
              `where the keys are another Kafka's, remove ${keys.file} and start again.`,
          )
        }
        await clock.delay(POLL_MS, signal)
      }
    }
  }
}

async function statusOf(url: string, method: string, key: string, signal: AbortSignal): Promise<number> {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...bearer(key) },
    ...(method === 'POST' && { body: '[]' }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
  })
  await answer.arrayBuffer()
  return answer.status
}
