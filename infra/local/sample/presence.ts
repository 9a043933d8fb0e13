import type { Clock } from '../../../pipelines/clock.ts'
import type { SampleNode } from './fleet.ts'
import { MINUTE_MS } from '../../../schemas/units.ts'

const ANSWER_TIMEOUT_MS = 10_000
const HEARTBEAT_INTERVAL_MS = MINUTE_MS
const AGENTS_PER_WEIGHT = 4
const POSTS_PER_WEIGHT = 7
const IMPRESSIONS_PER_WEIGHT = 3

export interface PresenceOptions {
  readonly gatewayUrl: string
  readonly readerUrl: string
  readonly headers: Readonly<Record<string, string>>
  /** The credential of an admin: a node cannot itself determine its operator. */
  readonly adminHeaders: Readonly<Record<string, string>>
  readonly nodes: readonly SampleNode[]
  readonly startMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Lets the nodes of the sample take part: an admin lets each join for its operator, with paid work within a daily limit
 * (central ones may not have any), and each node sends a heartbeat once a minute. Whatever fails is tried again in the
 * next minute.
 */
export async function keepPresent(options: PresenceOptions): Promise<void> {
  const { clock, signal } = options
  const waiting = new Set(options.nodes)
  for (let round = 0; !signal.aborted; round += 1) {
    await sendHeartbeats(options, round)
    for (const node of waiting) if (!signal.aborted && (await join(options, node))) waiting.delete(node)
    await clock.delay(HEARTBEAT_INTERVAL_MS, signal)
  }
}

async function sendHeartbeats(options: PresenceOptions, round: number): Promise<void> {
  const heartbeats = options.nodes.map((node) => ({
    heartbeat_id: `${options.startMs} ${round}`,
    node_id: node.nodeId,
    sent_at: options.clock.nowMs(),
    // Only an admin may set the tier central.
    ...(node.tier !== 'central' && { tier: node.tier }),
    ...(node.operatorId !== undefined && { operator_id: node.operatorId }),
    version: 'sample',
    agent_count: node.weight * AGENTS_PER_WEIGHT,
    post_count: node.weight * POSTS_PER_WEIGHT,
    ad_impressions: node.weight * IMPRESSIONS_PER_WEIGHT,
  }))
  await post(options, `${options.gatewayUrl}/v1/heartbeats`, heartbeats, options.headers)
}

async function join(options: PresenceOptions, node: SampleNode): Promise<boolean> {
  const paid = { allow_metered_for_hive: true, metered_daily_limit_usd: node.weight * 5 }
  const joining = {
    node_id: node.nodeId,
    ...(node.operatorId !== undefined && { operator_id: node.operatorId }),
    electricity_rate_kwh: '0.12',
    ...(node.tier !== 'central' && paid),
  }
  const url = `${options.readerUrl}/api/settings/compute/provider/join`
  return await post(options, url, joining, options.adminHeaders)
}

async function post(
  options: PresenceOptions,
  url: string,
  body: object,
  headers: Readonly<Record<string, string>>,
): Promise<boolean> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    })
    await answer.arrayBuffer()
    return answer.ok
  } catch {
    return false
  }
}
