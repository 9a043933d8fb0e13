import { zstdCompressSync } from 'node:zlib'
import type { Clock } from '../../../pipelines/clock.ts'
import { parseRfc3339 } from '../../../pipelines/json/rfc3339.ts'
import { isJsonObject } from '../../../pipelines/json/json-object.ts'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { KIB, MIB, SECOND_MS } from '../../../schemas/units.ts'
import { describeError } from '../../runtime/exit.ts'
import { deadline } from '../transports/deadline.ts'

/** One request to the gateway, from the connection to the end of its answer. */
const GATEWAY_TIMEOUT_MS = 30_000
/** Bytes of an answer of the gateway: a thousand refused items have less. */
const GATEWAY_ANSWER_BYTES_MAX = MIB
/** Smaller bodies are sent as they are. */
const PACKED_FROM_BYTES = KIB

export interface RefusedItem {
  readonly index: number
  readonly code: string
}

/**
 * What the gateway said.
 *
 *   taken   the log has it
 *   again   it may be sent again as it is, and not before `waitMs`: nobody answered, or not now
 *   denied  this key may not send it: nothing helps but another key
 *   unfit   this body is wrong, and the same again is as wrong
 *   unknown_type  it does not know this type of body
 */
export type Said =
  | { readonly kind: 'taken'; readonly answer: JsonObject; readonly logMs: number | null }
  | { readonly kind: 'again'; readonly waitMs: number; readonly reason: string }
  | { readonly kind: 'denied' | 'unfit' | 'unknown_type'; readonly reason: string }

/** A body as it is sent. */
export interface SentBody {
  readonly type: string
  readonly bytes: Buffer
}

const UNKNOWN_TYPE = 'unsupported_media_type'
const DENIED: ReadonlySet<number> = new Set([401, 403])
/** A code of ours. Whatever else stands in an answer may come from anybody on the way, and enters no log. */
const CODE = /^[a-z_]{1,64}$/
/** The statuses of what the gateway itself finds wrong in a body, with their codes; others may come from what is in between. */
const UNFIT: ReadonlySet<string> = new Set([
  'not_json',
  'invalid_request',
  'body_too_large',
  'too_many_events',
  'nothing_accepted',
])

export interface GatewayClientParts {
  readonly url: string
  /** Null before the node is enrolled. */
  readonly key: string | null
  readonly clock: Clock
  readonly timeoutMs?: number
}

/** The gateway, as the node speaks with it. Never rejects. */
export class GatewayClient {
  readonly #parts: GatewayClientParts

  constructor(parts: GatewayClientParts) {
    this.#parts = parts
  }

  /** Sends an object as JSON. */
  async say(path: string, body: object, signal: AbortSignal): Promise<Said> {
    return await this.post(
      path,
      { type: 'application/json', bytes: Buffer.from(JSON.stringify(body)) },
      signal,
    )
  }

  async post(path: string, { type, bytes }: SentBody, signal: AbortSignal): Promise<Said> {
    const { url, key, clock, timeoutMs = GATEWAY_TIMEOUT_MS } = this.#parts
    using limit = deadline(clock, timeoutMs, signal)
    const isPacked = bytes.length >= PACKED_FROM_BYTES
    try {
      const answer = await fetch(`${url}${path}`, {
        method: 'POST',
        headers: {
          'content-type': type,
          ...(isPacked ? { 'content-encoding': 'zstd' } : {}),
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        },
        body: isPacked ? zstdCompressSync(bytes) : bytes,
        redirect: 'error',
        signal: limit.signal,
      })
      return meaningOf(answer, await bodyOf(answer))
    } catch (error) {
      const reason = limit.signal.aborted ? 'no answer in time' : describeError(error)
      return { kind: 'again', waitMs: 0, reason }
    }
  }
}

/** An empty object where the body is none, or too long: the status says enough. */
async function bodyOf(answer: Response): Promise<JsonObject> {
  const pieces: Uint8Array[] = []
  let sizeBytes = 0
  for await (const piece of answer.body ?? []) {
    sizeBytes += piece.length
    if (sizeBytes > GATEWAY_ANSWER_BYTES_MAX) return {}
    pieces.push(piece)
  }
  try {
    const parsed: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'))
    return isJsonObject(parsed) ? parsed : {}
  } catch {
    return {}
  }
}

function meaningOf({ status, ok, headers }: Response, answer: JsonObject): Said {
  const { log_time: logTime } = answer
  const code = codeIn(answer)
  if (ok) {
    return { kind: 'taken', answer, logMs: typeof logTime === 'string' ? parseRfc3339(logTime) : null }
  }
  const reason = `status ${status} (${code ?? 'no code'})`
  if (code === UNKNOWN_TYPE) return { kind: 'unknown_type', reason }
  if (DENIED.has(status)) return { kind: 'denied', reason }
  if (code !== null && UNFIT.has(code)) return { kind: 'unfit', reason }
  const asked = Number(headers.get('retry-after') ?? 0)
  return { kind: 'again', waitMs: Number.isFinite(asked) ? asked * SECOND_MS : 0, reason }
}

function codeIn({ code }: JsonObject): string | null {
  return typeof code === 'string' && CODE.test(code) ? code : null
}

/** The items that an answer refuses for good. */
export function refusedIn({ refused }: JsonObject): RefusedItem[] {
  if (!Array.isArray(refused)) return []
  return (refused as readonly unknown[]).flatMap((one) => {
    if (!isJsonObject(one)) return []
    const { index } = one
    return typeof index === 'number' ? [{ index, code: codeIn(one) ?? 'no code' }] : []
  })
}
