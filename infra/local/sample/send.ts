import type { Clock } from '../../../pipelines/clock.ts'
import type { SampleEvent } from './events.ts'
import { SampleWork } from './events.ts'
import { keepPresent } from './presence.ts'
import { SECOND_MS } from '../../../schemas/units.ts'

/** Fixed, so that two people see the same fleet. */
const SEED = 20_261
const ROUND_MS = 500
const ANSWER_TIMEOUT_MS = 10_000
/** Events that may accumulate while the gateway takes none; beyond this number events are not made at all. */
const BACKLOG_MAX = 10_000
const RETRY_MS = 1_000

/** Sends one batch; false when the gateway did not take it. */
async function post(
  gatewayUrl: string,
  headers: Readonly<Record<string, string>>,
  events: readonly SampleEvent[],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const answer = await fetch(`${gatewayUrl}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(events),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    })
    await answer.arrayBuffer()
    return answer.ok
  } catch {
    return false
  }
}

export interface RunningSample {
  /** Ends after the batch under way. */
  stop(): Promise<void>
}

/**
 * Sends the sample continuously: `eventsPerSecond` to the gateway, twice a second. A batch that the gateway did not take
 * (503, restart) is sent again until it does, which the ids make harmless.
 */
export function startSample(options: {
  readonly gatewayUrl: string
  readonly readerUrl: string
  /** The headers that carry the credential, where one is required. */
  readonly headers: Readonly<Record<string, string>>
  /** The same for an admin. */
  readonly adminHeaders: Readonly<Record<string, string>>
  readonly eventsPerSecond: number
  readonly clock: Clock
}): RunningSample {
  const { gatewayUrl, readerUrl, headers, adminHeaders, eventsPerSecond, clock } = options
  const startMs = clock.nowMs()
  const work = new SampleWork({ seed: SEED, startMs })
  const abort = new AbortController()
  const { signal } = abort

  const run = async () => {
    const backlog: SampleEvent[] = []
    let made = 0
    const beganMs = clock.monotonicMs()
    while (!signal.aborted) {
      const due = Math.floor(((clock.monotonicMs() - beganMs) / SECOND_MS) * eventsPerSecond)
      for (; made < due; made += 1) if (backlog.length < BACKLOG_MAX) backlog.push(work.next(clock.nowMs()))
      const batch = backlog.slice(0, BACKLOG_MAX)
      const isTaken = batch.length === 0 || (await post(gatewayUrl, headers, batch, signal))
      if (isTaken) backlog.splice(0, batch.length)
      await clock.delay(isTaken ? ROUND_MS : RETRY_MS, signal)
    }
  }
  const present = (): Promise<void> =>
    keepPresent({ gatewayUrl, readerUrl, headers, adminHeaders, nodes: work.nodes, startMs, clock, signal })
  const running = eventsPerSecond === 0 ? Promise.resolve() : Promise.all([run(), present()])
  return {
    stop: async () => {
      abort.abort()
      await running
    },
  }
}
