import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { zstdDecompressSync } from 'node:zlib'
import type { Clock } from '../../../../pipelines/clock.ts'
import { acceptBatch, acceptNodeHeartbeat } from '../../../../pipelines/fleet/accept/accept-batch.ts'
import { acceptItem } from '../../../../pipelines/fleet/accept/accept-item.ts'
import { Refusal } from '../../../../pipelines/json/refusal.ts'
import { workerTelemetryCodec } from '../../../../schemas/fleet/codecs.ts'
import type { FleetItem, WorkerTelemetry } from '../../../../schemas/fleet/records.ts'

/** How a gateway of a test answers: as it should, or in one of the ways in which it fails. */
export type GatewayMood = 'well' | 'away' | 'busy' | 'cuts' | 'silent'

export const TOKEN = 'one-time-token'
export const KEY = 'key-of-the-node'
const PACKED = 'application/vnd.hivemeter.worker-telemetry'
const NODE = { provider_id: 'krill', location_id: 'barn', node_id: 'agent-1' }

/** What the gateway's own rules make of what a node sends, over real HTTP, without a log behind it. */
export interface TestGateway {
  readonly url: string
  mood: GatewayMood
  /** Whether it knows the log's own record as a body. */
  takesPacked: boolean
  /** How far the log's clock is ahead of its clock. */
  aheadMs: number
  readonly batches: WorkerTelemetry[]
  readonly heartbeats: number
  readonly requests: number
  readonly tokens: readonly string[]
  readonly close: () => Promise<void>
}

/** `clock` is that of its log. */
export async function startTestGateway(clock: Clock): Promise<TestGateway> {
  const counts = { heartbeats: 0, requests: 0 }
  const batches: WorkerTelemetry[] = []
  const tokens: string[] = []
  const logMs = (): number => clock.nowMs() + gateway.aheadMs
  const server = createServer((request, response) => void answer(request, response))
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    counts.requests += 1
    const { mood } = gateway
    if (mood === 'silent') return
    const bytes = await bytesOf(request)
    if (mood === 'cuts') {
      request.socket.destroy()
      return
    }
    const isPacked = request.headers['content-type'] === PACKED
    const body = isPacked ? {} : (JSON.parse(bytes.toString('utf8')) as Record<string, unknown>)
    if (mood !== 'well') {
      const status = mood === 'away' ? 503 : 429
      say(response, status, { code: mood === 'away' ? 'log_unavailable' : 'overloaded' })
    } else if (request.url === '/v1/fleet/enrol') enrol(body, response)
    else if (request.headers.authorization !== `Bearer ${KEY}`) say(response, 401, { code: 'unauthorized' })
    else if (request.url === '/v1/fleet/heartbeat') {
      assert.ok(!(acceptNodeHeartbeat(body) instanceof Refusal))
      counts.heartbeats += 1
      say(response, 202, { log_time: new Date(logMs()).toISOString() })
    } else if (!isPacked) keep(judged(body, logMs()), response)
    else if (gateway.takesPacked) keep(workerTelemetryCodec.decode(bytes), response)
    else say(response, 415, { code: 'unsupported_media_type' })
  }
  const enrol = (body: Record<string, unknown>, response: ServerResponse): void => {
    tokens.push(String(body['token']))
    if (body['token'] === TOKEN) say(response, 201, { key: KEY, ...NODE })
    else say(response, 403, { code: 'forbidden' })
  }
  const keep = (batch: WorkerTelemetry, response: ServerResponse): void => {
    batches.push(batch)
    say(response, 202, {
      log_time: new Date(logMs()).toISOString(),
      accepted: batch.items.length,
      refused: [],
    })
  }
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const gateway: TestGateway = {
    url: `http://127.0.0.1:${address.port}`,
    mood: 'well',
    takesPacked: true,
    aheadMs: 0,
    batches,
    tokens,
    get heartbeats() {
      return counts.heartbeats
    },
    get requests() {
      return counts.requests
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
  return gateway
}

/** What the gateway's own rules make of a batch of JSON; fails where they refuse anything of it. */
function judged({ items, ...rest }: Record<string, unknown>, logMs: number): WorkerTelemetry {
  const head = acceptBatch({ ...rest, items: [] })
  assert.ok(!(head instanceof Refusal), JSON.stringify(head))
  const accepted = (items as readonly unknown[]).map((item): FleetItem => {
    const one = acceptItem(item, logMs)
    assert.ok(!(one instanceof Refusal), JSON.stringify(one))
    return one
  })
  return { ...head, items: accepted }
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  const bytes = Buffer.concat(pieces)
  return request.headers['content-encoding'] === 'zstd' ? zstdDecompressSync(bytes) : bytes
}

function say(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
