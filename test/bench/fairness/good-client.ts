import { setTimeout as delay } from 'node:timers/promises'
import { Lane } from '../harness/lane.ts'
import { summarize } from '../harness/latencies.ts'
import type { LatencySummary } from '../harness/latencies.ts'
import type { AttackName, ServerSpec } from './messages.ts'

/** The client that behaves: one kind of request, on a schedule or as fast as it is answered. */

const LANES = 32
const CAPACITY_LANES = 4
const EVENTS_PER_REQUEST = 100
const PACE_MS = 1

export type GoodKind = 'events' | 'view' | 'usage' | 'write'

/** The kind of its requests from which each attack takes room. */
export const GOOD_BESIDE: Readonly<Record<AttackName, GoodKind>> = {
  'silent bodies': 'events',
  'years in a zone': 'view',
  'a thousand writes': 'write',
  '90 history sockets': 'usage',
  'heartbeat bodies': 'events',
  'gzip of long names': 'events',
  'open documents': 'view',
}

export interface GoodReport {
  readonly latency: LatencySummary
  /** Answers that were not what they must be. */
  readonly wrong: number
}

const VIEW = '/api/settings/compute/provider?node_id=good'
const USAGE = '/api/usage?node_id=good'

/** Different writes of the admin about one node: fewer than an admin has in a day, however long a run takes. */
const WRITES_MAX = 4_000

/** The admin's write about the node whose own key writes as often as it can. */
function writeMaker({ readerUrl, adminKey }: ServerSpec) {
  const body = JSON.stringify({ allow_metered_for_hive: false })
  let made = 0
  const bytes = (): Buffer => {
    made = (made + 1) % WRITES_MAX
    return Buffer.from(
      `PUT /api/settings/compute?node_id=greedy HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nauthorization: Bearer ${adminKey}\r\nidempotency-key: ${made}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
  }
  return { url: readerUrl, status: 200, bytes }
}

/** Makes a whole request of this kind; events are new ones each time. */
function maker(kind: GoodKind, server: ServerSpec) {
  if (kind === 'write') return writeMaker(server)
  const { gatewayUrl, readerUrl, goodKey } = server
  const authorization = `authorization: Bearer ${goodKey}`
  if (kind !== 'events') {
    const head = `GET ${kind === 'view' ? VIEW : USAGE} HTTP/1.1\r\nhost: a\r\n${authorization}\r\n\r\n`
    return { url: readerUrl, status: 200, bytes: () => Buffer.from(head) }
  }
  let made = 0
  const bytes = (): Buffer => {
    made += 1
    const events = Array.from({ length: EVENTS_PER_REQUEST }, (_, at) => ({
      event_id: `${made}-${at}`,
      node_id: 'good',
      model_id: 'llama',
      task_source: 'hive',
      occurred_at: Date.now(),
      tokens_in: 100,
      tokens_out: 200,
    }))
    const body = JSON.stringify(events)
    return Buffer.from(
      `POST /v1/events HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n${authorization}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
  }
  return { url: gatewayUrl, status: 202, bytes }
}

/** The most requests a second that it gets answered. */
export async function capacity(kind: GoodKind, server: ServerSpec, measureMs: number): Promise<number> {
  const { url, bytes } = maker(kind, server)
  const lanes = Array.from({ length: CAPACITY_LANES }, () => new Lane(url))
  const startMs = performance.now()
  let answered = 0
  await Promise.all(
    lanes.map(async (lane) => {
      while (performance.now() - startMs < measureMs) {
        await lane.ask(bytes())
        answered += 1
      }
    }),
  )
  for (const lane of lanes) lane.close()
  return answered / (measureMs / 1_000)
}

/** Sends this many a second, whether those before were answered or not; latencies count from the scheduled time. */
export async function steadily(
  kind: GoodKind,
  server: ServerSpec,
  perSecond: number,
  measureMs: number,
): Promise<GoodReport> {
  const { url, status, bytes } = maker(kind, server)
  const idle = Array.from({ length: LANES }, () => new Lane(url))
  const all = [...idle]
  const latenciesMs: number[] = []
  const underWay = new Set<Promise<void>>()
  const due: number[] = []
  let wrong = 0
  const send = async (lane: Lane, dueMs: number): Promise<void> => {
    try {
      const answer = await lane.ask(bytes())
      if (answer.status !== status) wrong += 1
    } catch {
      wrong += 1
    }
    latenciesMs.push(performance.now() - dueMs)
    idle.push(lane)
    sendDue()
  }
  const sendDue = (): void => {
    while (due.length > 0) {
      const lane = idle.pop()
      if (lane === undefined) return
      const sent = send(lane, due.shift() ?? 0).finally(() => underWay.delete(sent))
      underWay.add(sent)
    }
  }
  const startMs = performance.now()
  for (let scheduled = 0; ; ) {
    const nowMs = performance.now()
    for (; startMs + (scheduled / perSecond) * 1_000 <= nowMs; scheduled++)
      due.push(startMs + (scheduled / perSecond) * 1_000)
    sendDue()
    if (nowMs - startMs >= measureMs) break
    await delay(PACE_MS)
  }
  while (underWay.size > 0) await Promise.all(underWay)
  for (const lane of all) lane.close()
  return { latency: summarize(latenciesMs), wrong }
}
