import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { AttackName, ServerSpec } from './messages.ts'

/** The greedy client: each attack as it was found, once a second, until it gets the signal to end. */

const MIB = 1_048_576
const EVERY_MS = 1_000

/** After the answer "not now" a client waits as long as the answer says. */
const NOT_NOW_MS = 1_000

/** Writes with the node's own key, until it is told that the writes of a day are used up. */
const WRITERS = 4

/** Hours of five and a half years in a zone with summer time: as many windows as one answer may have. */
const YEARS_OF_HOURS = 'window=1h&tz=Europe/Berlin&from=2021-04-01T00:00:00Z&to=2026-10-01T00:00:00Z'

const OPEN_PATHS = ['/openapi.json', '/docs', '/docs/json', '/metrics'] as const

export interface Attacking {
  readonly server: ServerSpec
  readonly signal: AbortSignal
  readonly answered: (status: number) => void
}

type Attack = (attacking: Attacking) => Promise<void>

/** Each as it was found, and as often as a client that repeats it would send it. */
export const ATTACK: Readonly<Record<AttackName, Attack>> = {
  'silent bodies': (attacking) =>
    loops(8, attacking, () => sendStalled(attacking, '/v1/events', { announced: 8 * MIB, sent: 1_024 })),
  'heartbeat bodies': (attacking) =>
    loops(95, attacking, () =>
      sendStalled(attacking, '/v1/heartbeats', { announced: 8 * MIB, sent: 64 * 1_024 }),
    ),
  'years in a zone': (attacking) =>
    salvos(20, attacking, () =>
      ask(
        attacking,
        readerPath(attacking, `/api/usage?node_id=${attacking.server.greedyNode}&${YEARS_OF_HOURS}`),
      ),
    ),
  'a thousand writes': (attacking) => {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ min_settlement_spark: 10 })
    const url = readerPath(attacking, `/api/settings/compute?node_id=${attacking.server.greedyNode}`)
    return loops(WRITERS, attacking, () => ask(attacking, url, { method: 'PUT', headers, body }))
  },
  '90 history sockets': (attacking) =>
    loops(90, attacking, () =>
      ask(attacking, readerPath(attacking, `/api/usage?node_id=${attacking.server.greedyNode}`)),
    ),
  'gzip of long names': async (attacking) => {
    const body = gzipSync(longNames())
    const { gatewayUrl } = attacking.server
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    await salvos(1, attacking, () =>
      ask(attacking, `${gatewayUrl}/v1/events`, { method: 'POST', headers, body }),
    )
  },
  'open documents': (attacking) =>
    salvos(30, attacking, (one) =>
      ask(attacking, readerPath(attacking, OPEN_PATHS[one % OPEN_PATHS.length] ?? ''), {
        headers: { authorization: '' },
      }),
    ),
}

/** 8 MiB of events with a number that must be read twice, under names that no event has. */
function longNames(): Buffer {
  const members = Array.from({ length: 14 }, (_, at) => `"${`name-${at}-`.padEnd(58, 'x')}":1e0`)
  const item = `{${members.join(',')}}`
  return Buffer.from(
    `[${Array(Math.floor((8 * MIB - 2) / (item.length + 1)))
      .fill(item)
      .join(',')}]`,
  )
}

const readerPath = ({ server }: Attacking, path: string): string => `${server.readerUrl}${path}`

/** Sends this many at once, every second. */
async function salvos(
  count: number,
  { signal }: Attacking,
  shoot: (one: number) => Promise<unknown>,
): Promise<void> {
  while (!signal.aborted) {
    const shots = Array.from({ length: count }, (_, one) => shoot(one))
    await delay(EVERY_MS, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    await Promise.all(shots)
  }
}

/** Sends this many, begun over a second, each again as soon as it was answered. */
async function loops(count: number, { signal }: Attacking, shoot: () => Promise<number>): Promise<void> {
  const loop = async (one: number): Promise<void> => {
    await delay((one * EVERY_MS) / count, undefined, { signal }).catch(() => {})
    while (!signal.aborted) {
      const status = await shoot()
      if (status === 200) continue
      await delay(NOT_NOW_MS, undefined, { signal }).catch(() => {})
    }
  }
  await Promise.all(Array.from({ length: count }, async (_, one) => await loop(one)))
}

async function ask({ server, signal, answered }: Attacking, url: string, request: RequestInit = {}) {
  const authorization = `Bearer ${server.greedyKey}`
  try {
    const headers = { authorization, ...(request.headers as Record<string, string> | undefined) }
    const answer = await fetch(url, { ...request, headers, signal })
    await answer.arrayBuffer()
    answered(answer.status)
    return answer.status
  } catch {
    if (!signal.aborted) answered(0)
    return 0
  }
}

/** Announces a large body, sends its beginning and nothing more. */
async function sendStalled(
  { server, signal, answered }: Attacking,
  path: string,
  { announced, sent }: { readonly announced: number; readonly sent: number },
): Promise<number> {
  const { hostname, port } = new URL(server.gatewayUrl)
  const socket = connect({ host: hostname, port: Number(port), signal })
  socket.on('error', () => {})
  const head = `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nauthorization: Bearer ${server.greedyKey}\r\ncontent-length: ${announced}\r\n\r\n`
  socket.write(Buffer.concat([Buffer.from(head), Buffer.alloc(sent, ' ')]))
  const answer = await text(socket).catch(() => '')
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0)
  if (!signal.aborted) answered(status)
  return status
}
