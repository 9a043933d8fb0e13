import type { Clock } from '../../../pipelines/clock.ts'
import type { Logger } from '../../../pipelines/logger.ts'
import type { Random } from '../../../pipelines/random.ts'
import type { FleetNodeName } from '../../../schemas/fleet/records.ts'
import { SECOND_MS } from '../../../schemas/units.ts'
import { VERSION } from '../../../schemas/version.ts'
import type { NodeTime } from '../time/node-time.ts'
import { retryDelayMs } from './backoff.ts'
import type { GatewayClient } from './gateway-client.ts'

/** How often the node says that it is there. */
const HEARTBEAT_MS = 30 * SECOND_MS

export interface HeartbeatParts {
  readonly node: FleetNodeName
  readonly epoch: number
  readonly intervalS: number
  readonly client: Pick<GatewayClient, 'say'>
  readonly time: NodeTime
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly acknowledged: (sentBootMs: number, logMs: number) => Promise<void>
}

/**
 * Says that the node is there, every 30 seconds from its start on, until the signal. The first answer gives the log's time, without
 * which nothing can be sent: until then it is tried more often.
 */
export async function keepHeartbeats(parts: HeartbeatParts, signal: AbortSignal): Promise<void> {
  const { clock, time, random } = parts
  const startMs = clock.monotonicMs()
  let failures = 0
  while (!signal.aborted) {
    failures = (await beat(parts, signal)) ? 0 : failures + 1
    const nowMs = clock.monotonicMs()
    const next = startMs + (Math.floor((nowMs - startMs) / HEARTBEAT_MS) + 1) * HEARTBEAT_MS
    const soonMs = failures > 0 && !time.isAnchored ? retryDelayMs(failures, 0, random) : HEARTBEAT_MS
    await clock.delay(Math.min(next - nowMs, soonMs), signal)
  }
}

async function beat(parts: HeartbeatParts, signal: AbortSignal): Promise<boolean> {
  const { node, epoch, intervalS, client, time, clock, logger, acknowledged } = parts
  const sentBootMs = time.bootMs()
  const sent_at = Math.max(0, time.logTimeAt(sentBootMs) ?? Math.round(clock.nowMs()))
  const body = { ...node, epoch, interval_s: intervalS, sent_at, version: VERSION }
  const said = await client.say('/v1/fleet/heartbeat', body, signal)
  if (said.kind === 'taken') {
    if (said.logMs !== null) await acknowledged(sentBootMs, said.logMs)
    return true
  }
  if (!signal.aborted) logger.warn({ reason: said.reason }, 'The gateway did not take a heartbeat.')
  return false
}
